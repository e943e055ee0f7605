import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")

from zhanggui.corpus import parts
from zhanggui.corpus.build import build, build_from
from zhanggui.corpus.dedupe import clusters, crossing
from zhanggui.corpus.products import documents
from zhanggui.corpus.read import Columns


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
    rows: list[dict[str, Any]] = [
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
    for row in rows:
        row |= {"facts": {"库存": "12"}, "asked": "写一句"}
    rows[7] |= {"facts": {"店主邮箱": "a@b.com"}, "asked": "回电13812345678"}
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows) + "\n{broken", encoding="utf-8")
    columns = Columns(group="product", label="label", attributes="facts", keep=("asked",))
    one = build([path], columns, tmp_path / "one", seed=5, threshold=0.95)
    two = build([path], columns, tmp_path / "two", seed=5, threshold=0.95)
    assert one.card == two.card
    assert (one.folder / "test.jsonl").read_bytes() == (two.folder / "test.jsonl").read_bytes()
    assert one.card["rejected"]["rows"] == 1
    assert one.card["personal_data_masked"] == {"PHONE": 2, "EMAIL": 1}
    kept = {row.source: row for mine in parts.read(one.folder).values() for row in mine}["texts.jsonl:8"]
    assert (kept.attributes, kept.kept) == ((("店主邮箱", "[EMAIL]"),), (("asked", "回电[PHONE]"),))
    assert one.card["leaks"]["groups_in_two_parts"] == 0
    assert one.card["dropped"]["exact_duplicates"] == 1
    assert sum(one.card["parts"].values()) == one.card["texts"]
    assert "[PHONE]" in (one.folder / "card.md").read_text() + "".join(
        (one.folder / f"{p}.jsonl").read_text() for p in one.card["parts"]
    )


def test_a_product_whose_name_is_written_in_several_ways_stays_in_one_part(tmp_path: Path) -> None:
    rows = [
        {"text": f"第{n}次买的茶，香气{n * 7919 % 997}分，杯子{n * 31 % 89}个", "product": name.format(n % 40)}
        for n in range(240)
        for name in [("SKU {}", "sku{}", "Ｓｋｕ　{} ", "sKU\u00a0{}")[n % 4 - n // 40 % 2]]
    ]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")
    made = build([path], Columns(group="product"), tmp_path / "out", threshold=0.99)
    assert made.card["groups"] == 40
    seen: dict[str, set[str]] = {}
    for part, kept in parts.read(made.folder).items():
        for one in kept:
            number = rows[int(one.source.rpartition(":")[2]) - 1]["product"].split()[-1].lower().removeprefix("sku")
            seen.setdefault(number, set()).add(part)
    assert [number for number, mine in seen.items() if len(mine) > 1] == []


def test_texts_that_resemble_each_other_in_two_parts_are_found() -> None:
    long = "这条裤子版型宽松显瘦，面料柔软亲肤，夏天穿着也很凉快，搭配衬衫或者短袖都很好看"
    texts = [long, "另一件完全不同的商品，今天刚到货的玻璃杯", long + "啊", long + "呀"]
    assert crossing(texts, ["train", "train", "test", "test"]) == [(0, 2), (0, 3)]
    assert crossing(texts, ["train", "test", "train", "train"]) == []


def test_the_card_claims_no_more_of_a_language_than_its_script(tmp_path: Path) -> None:
    rows = [{"text": f"Bonjour, cette robe numéro {n} est très jolie, taille {n * 31 % 89}"} for n in range(40)]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = build([path], Columns(), tmp_path / "out", threshold=0.99)
    assert made.card["languages"] == {"en": 40}
    page = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert "| Latin script, taken for English 拉丁字母，视作英文 | 40 |" in page


def test_products_become_documents_by_language_and_stay_together(tmp_path: Path) -> None:
    rows = [
        {
            "product_id": f"p{n}",
            "titles": {"zh": f"第{n}号龙井茶", "en": f"Longjing tea number {n}"},
            "descriptions": {"zh": f"明前采摘，清香{n}度，{n * 37 % 101}克罐装。"},
            "category": "Tea > Green",
            "brand": "West Lake",
            "attributes": {"产地": "杭州"},
        }
        for n in range(40)
    ]
    made = build_from(lambda _rejects: documents(rows, source="catalogue"), tmp_path, threshold=0.99)
    kept = [one for mine in parts.read(tmp_path).values() for one in mine]
    assert made.card["texts"] == len(kept) == 80
    assert made.card["languages"] == {"zh": 40, "en": 40}
    assert made.card["leaks"]["groups_in_two_parts"] == 0
    one = next(one for one in kept if one.document_id == "p3-zh")
    assert one.text == "第3号龙井茶。明前采摘，清香3度，10克罐装。"
    assert (one.group, one.topic, one.attributes) == ("p3", "Tea > Green", (("brand", "West Lake"), ("产地", "杭州")))
