import json
from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")

from zhanggui.corpus.build import build
from zhanggui.corpus.dedupe import clusters
from zhanggui.corpus.read import Columns
from zhanggui.errors import CorpusError


def test_same_and_nearly_same_texts_are_found() -> None:
    long = "这条裤子版型宽松显瘦，面料柔软亲肤，夏天穿着也很凉快，搭配衬衫或者短袖都很好看"
    texts = [
        long,
        "另一件完全不同的商品，今天刚到货的玻璃杯",
        long + "！",
        long.replace("凉快", "凉爽"),
        "Good tea.",
        "good tea!",
    ]
    assert clusters(texts, threshold=0.7) == [0, 1, 0, 0, 4, 4]


def test_a_corpus_is_built_the_same_twice_with_its_card(tmp_path: Path) -> None:
    rows = [
        {
            "text": f"第{n}款茶杯，釉色{n * 7 % 97}号，适合下午{n % 5}点喝茶",
            "product": f"p{n % 60}",
            "label": str(n % 2),
        }
        for n in range(300)
    ]
    rows += [
        {"text": rows[0]["text"], "product": "other", "label": "0"},
        {"text": "打13812345678找我要茶杯", "product": "p1", "label": "1"},
    ]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows) + "\n{broken", encoding="utf-8")
    columns = Columns(group="product", label="label")
    one = build([path], columns, tmp_path / "one", seed=5, threshold=0.95)
    two = build([path], columns, tmp_path / "two", seed=5, threshold=0.95)
    assert one.card == two.card
    assert (one.folder / "test.jsonl").read_bytes() == (two.folder / "test.jsonl").read_bytes()
    assert one.card["rejected"]["rows"] == 1
    assert one.card["personal_data_masked"] == 1
    assert one.card["groups_in_two_parts"] == 0
    assert one.card["dropped"]["duplicates"] >= 1
    assert sum(one.card["parts"].values()) == one.card["texts"]
    assert "[PHONE]" in (one.folder / "card.md").read_text() + "".join(
        (one.folder / f"{p}.jsonl").read_text() for p in one.card["parts"]
    )


def test_one_product_cannot_be_split_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"text number {n} {n * 31}", "p": "same"}) for n in range(30)))
    with pytest.raises(CorpusError, match="cannot be split"):
        build([path], Columns(group="p"), tmp_path / "out")
