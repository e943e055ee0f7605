"""A broken corpus gives a data card and clear messages; what is good in it goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")

from zhanggui.corpus import parts
from zhanggui.corpus.build import build
from zhanggui.corpus.read import Columns
from zhanggui.errors import CorpusError


def _rows(count: int, product: Callable[[int], str] = lambda n: f"p{n % 40}") -> list[dict[str, Any]]:
    return [
        {"id": str(n), "product": product(n), "text": f"第{n}次买的茶，香气{n * 7919 % 997}分，杯子{n * 31 % 89}个"}
        for n in range(count)
    ]


def _lines(rows: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


def _card(folder: Path) -> dict[str, Any]:
    assert (folder / "card.md").read_text(encoding="utf-8").startswith("# Data card 数据卡")
    found: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return found


def _rejects(folder: Path) -> list[tuple[int, str]]:
    lines = (folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    return [(one["line"], one["problem"]) for one in map(json.loads, lines)]


COLUMNS = Columns(id="id", group="product")


def test_mixed_encodings_keep_the_good_rows(tmp_path: Path) -> None:
    lines = _lines(_rows(120))
    lines[10] = json.dumps(_rows(11)[10], ensure_ascii=False).encode("gb18030")
    lines[20] += b"\xff"
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    rows = ["id,product,text"] + [f"g{n},p{n % 40},国标第{n}条，茶香{n * 7919 % 997}，很满意" for n in range(60)]
    wide = [row.encode("gb18030") for row in rows]
    wide[5] = rows[5].encode("utf-8")
    (tmp_path / "b.csv").write_bytes(b"\r\n".join(wide))
    rows = ["id,product,text"] + [f"u{n},p{n % 40},宽字第{n}条，口感{n * 7919 % 997}，下次再来" for n in range(60)]
    (tmp_path / "c.csv").write_bytes("\n".join(rows).encode("utf-16"))
    out = tmp_path / "out"
    card = build([tmp_path / name for name in ("a.jsonl", "b.csv", "c.csv")], COLUMNS, out, threshold=0.99).card
    assert card == _card(out)
    assert [(one["name"], one["encoding"], one["texts"]) for one in card["files"]] == [
        ("a.jsonl", "utf-8", 118),
        ("b.csv", "gb18030", 59),
        ("c.csv", "utf-16-le", 60),
    ]
    problem = "it has bytes that are not in the file's encoding"
    assert _rejects(out) == [(11, problem), (21, problem), (6, problem)]
    texts = {one.text for mine in parts.read(out).values() for one in mine}
    assert "国标第0条，茶香0，很满意" in texts
    assert "宽字第59条，口感625，下次再来" in texts


def test_a_row_of_five_megabytes_empty_rows_and_ids_given_twice_are_put_aside(tmp_path: Path) -> None:
    lines = _lines(_rows(100))
    lines[3] = json.dumps({"id": "big", "product": "p1", "text": "茶" * 1_700_000}, ensure_ascii=False).encode()
    lines[4], lines[5], lines[6] = (
        b"",
        b'{"id": "e", "product": "p1", "text": "  "}',
        b'{"id": "n", "product": "p1", "text": null}',
    )
    lines[7] = lines[8]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "again.jsonl").write_bytes(lines[9])
    out = tmp_path / "out"
    assert len(lines[3]) > 5_000_000
    build([tmp_path / "a.jsonl", tmp_path / "again.jsonl"], COLUMNS, out, threshold=0.99)
    assert _rejects(out) == [
        (4, "it is longer than 20,000 characters"),
        (6, "it is empty"),
        (7, "it is empty"),
        (9, "its id is there already"),
        (1, "its id is there already"),
    ]
    card = _card(out)
    assert card["texts"] == 95
    assert card["rejected"]["reasons"]["it is empty"] == 2
    assert (out / "rejects.jsonl").stat().st_size < 100_000
    assert any("again.jsonl holds no text" in note for note in card["notes"])


@pytest.mark.parametrize(("products", "words"), [(1, "1 group"), (2, "2 group")])
def test_one_product_cannot_be_split_and_the_card_says_so(tmp_path: Path, products: int, words: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(_lines(_rows(50, lambda n: f"same{n % products}"))))
    out = tmp_path / "out"
    with pytest.raises(CorpusError, match=words) as caught:
        build([tmp_path / "a.jsonl"], COLUMNS, out, threshold=0.99)
    assert "--group" in caught.value.hint
    card = _card(out)
    assert (card["texts"], card["groups"]) == (50, products)
    assert any("NOT SPLIT" in note for note in card["notes"])
    assert not parts.is_there(out)
    build([tmp_path / "a.jsonl"], Columns(id="id"), out, threshold=0.99)
    assert parts.is_there(out)


def test_an_empty_file_alone_says_what_to_do_and_beside_others_is_noted(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(_lines(_rows(50))))
    out = tmp_path / "out"
    with pytest.raises(CorpusError, match="no text is left"):
        build([tmp_path / "empty.csv"], Columns(), out)
    assert _card(out)["files"] == [{"name": "empty.csv", "encoding": "empty", "texts": 0}]
    card = build([tmp_path / "empty.csv", tmp_path / "a.jsonl"], COLUMNS, out, threshold=0.99).card
    assert card["texts"] == 50
    assert any(note.startswith("empty.csv holds no text") for note in card["notes"])


def test_a_failed_build_leaves_no_older_texts_beside_its_card(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(_lines(_rows(50))))
    out = tmp_path / "out"
    build([tmp_path / "a.jsonl"], COLUMNS, out, threshold=0.99)
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(_lines(_rows(50, lambda _n: "one"))))
    with pytest.raises(CorpusError):
        build([tmp_path / "a.jsonl"], COLUMNS, out, threshold=0.99)
    assert not parts.is_there(out)


def test_an_open_quotation_mark_is_named_with_what_it_swallowed(tmp_path: Path) -> None:
    rows = ["text,label"] + [f"第{n}杯茶味道{n * 7919 % 997}分,1" for n in range(300)]
    rows[100] = '"没有关上的引号,1'
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    out = tmp_path / "out"
    card = build([tmp_path / "a.csv"], Columns(label="label"), out, threshold=0.99).card
    assert card["texts"] == 99
    found = json.loads((out / "rejects.jsonl").read_text(encoding="utf-8"))
    assert (found["line"], "quotation mark" in found["hint"], "201 lines" in found["hint"]) == (101, True, True)
