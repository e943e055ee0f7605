import json
import random
from pathlib import Path

import pytest

from zhanggui.corpus.clean import clean, language
from zhanggui.corpus.document import Document
from zhanggui.corpus.read import Columns, read
from zhanggui.corpus.split import split
from zhanggui.errors import CorpusError
from zhanggui.storage import RejectFile


@pytest.mark.parametrize(
    ("given", "stays"),
    [
        ("ＡＢＣ　１２３", "ABC 123"), ("<p>好 茶</p>", "好茶"), ("好<UNK>茶\ufffd", "好茶"), ("好茶!!!!!!!", "好茶！！！"), ("好茶,很香", "好茶，很香"), ("香3度，好T恤,10克", "香3度，好T恤，10克"),
        ("a&lt;b&gt;c&lt;/b&gt;", "a c"), ("此用户没有填写评价内容", ""), ("t\u200bea\x07 cup", "tea cup"), ("1<2 and 3>2", "1<2 and 3>2"),
        ("轻便</p>好看", "轻便，好看"), ("防水\n耐磨\r\n\n 轻便", "防水，耐磨，轻便"), ("<ul><li>防水</li><li>耐磨</li></ul>", "防水，耐磨"), ("材质：棉。\n- 尺寸：M\n• 颜色：红", "材质：棉。 - 尺寸：M • 颜色：红"), ("<b>粗</b>体", "粗体"),
        ("Size: 10\nColor: red", "Size: 10 Color: red"), ("尺寸<XL> <Red>", "尺寸<XL> <Red>"), ('<x-y z="1">a</x-y>', "a"), ("<o:p>茶</o:p>", "茶"), ("宽<T1，高>T0", "宽<T1，高>T0"),
        ("茶<script>f(1)</script x>香", "茶香"), ("好茶<script type=a>if (a<b) f(", "好茶"), ("一杯<scripted>茶", "一杯<scripted>茶"),
        ("①128GB②256GB", "(1)128GB(2)256GB"), ("3½ inch, ¼ cup", "3 1/2 inch, 1/4 cup"), ("10² m³", "10^2 m3"), ("10⁻³", "10^-3"), ("规格：10*20*30|a|b|", "规格：10*20*30|a|b|"),
    ],
)  # fmt: skip
def test_cleaning(given: str, stays: str) -> None:
    assert clean(given) == stays
    assert clean(stays) == stays


@pytest.mark.parametrize(("text", "name"), [("很好喝的茶", "zh"), ("A good tea", "en"), ("iPhone很好用而且手感不错 but too expensive", "mixed"), ("Очень хороший чай", "other"), ("123", "other")])  # fmt: skip
def test_languages(text: str, name: str) -> None:
    assert language(text) == name


def test_no_group_and_no_likeness_crosses_a_split_and_the_seed_fixes_it() -> None:
    rng = random.Random(2)
    documents = [Document(document_id=str(n), text="", group=f"g{rng.randrange(300)}") for n in range(2_000)]
    alike = [n if rng.random() < 0.9 else rng.randrange(n + 1) for n in range(2_000)]
    parts = split(documents, alike, seed=3)
    by_group: dict[str, set[str]] = {}
    for document, part in zip(documents, parts, strict=True):
        by_group.setdefault(document.group, set()).add(part)
    assert {len(one) for one in by_group.values()} == {1}
    assert all(parts[n] == parts[first] for n, first in enumerate(alike))
    assert parts == split(documents, alike, seed=3)


def test_shares_are_eight_one_one() -> None:
    documents = [Document(document_id=str(n), text="", group=str(n)) for n in range(5_000)]
    parts = split(documents, list(range(5_000)), seed=1)
    assert [parts.count(one) for one in ("train", "validation", "test")] == [4_000, 500, 500]
    assert parts != split(documents, list(range(5_000)), seed=2)


def test_texts_by_line_and_json_arrays_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("good tea\r\n\n好茶".encode() + b"\n\xff")
    rows = [{"text": "tea", "id": "1"}, 3, {"id": "2"}, {"text": "茶", "id": "4"}]
    (tmp_path / "b.JSON").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    (tmp_path / "lines.json").write_text('{"text": "a cup"}\n{"text": "a pot"}')
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        texts = list(read(tmp_path / "a.txt", Columns(text="review"), rejects=rejects))
        objects = list(read(tmp_path / "b.JSON", Columns(id="id"), rejects=rejects))
        lines = list(read(tmp_path / "lines.json", Columns(), rejects=rejects))
    assert [(one.text.strip(), one.source) for one in texts] == [("good tea", "a.txt:1"), ("好茶", "a.txt:3")]
    assert [(one.text, one.source) for one in objects] == [("tea", "b.JSON:2"), ("茶", "b.JSON:10")]
    assert [one.text for one in lines] == ["a cup", "a pot"]
    kept = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(one["line"], one["problem"]) for one in kept] == [
        (4, "it has bytes that are not in the file's encoding"), (6, "it is not an object"), (7, "the column is missing"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl.gz", b"\x1f\x8b", r"files of the kind \.gz are not read \(read are \.csv, .*\.parquet"),
        ("a.xlsx", b"PK", r"kind \.xlsx are not read"),
        ("a.json", b'[{"text": "a"},\n{"text": "b"', r"a\.json:2: its JSON is broken here"),
        ("a.txt", b"tea", r"no other column \(leave out group"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects, pytest.raises(CorpusError, match=words):
        list(read(tmp_path / name, Columns(group="group"), rejects=rejects))


def test_broken_rows_are_kept_aside_with_place_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [b'{"id": 1, "text": "good tea"}', b'{"id": 1, "text": "again"}', b"\xff{", b"[]", b'{"id": 3}', b'{"id": 4, "text": " "}',
            json.dumps({"id": 5, "text": "x" * 5_000_000}).encode(), '{"id": 6, "text": "好茶"}'.encode()]  # fmt: skip
    path.write_bytes(b"\n".join(rows))
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        found = list(read(path, Columns(id="id"), rejects=rejects))
    assert [one.text for one in found] == ["good tea", "好茶"]
    kept = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in kept] == [
        (2, "id"),
        (3, ""),
        (4, ""),
        (5, "text"),
        (6, "text"),
        (7, "text"),
    ]
    with pytest.raises(CorpusError, match="cannot be opened"), RejectFile(path=tmp_path / "r") as rejects:
        list(read(tmp_path / "none.csv", Columns(), rejects=rejects))


def test_csv_rows_are_numbered_as_an_editor_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes('text,label\n好茶,1\n"two\nlines",0\n坏\n'.encode() + b"\xff\xfe,1\n" + "杯子,1\n".encode())
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        found = list(read(path, Columns(label="label"), rejects=rejects))
    assert [(one.source, one.label) for one in found] == [
        ("texts.csv:2", "1"),
        ("texts.csv:3", "0"),
        ("texts.csv:7", "1"),
    ]
    kept = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [one["line"] for one in kept] == [5, 6]
