import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="the extra `train` is not installed")
pytest.importorskip("rjieba", reason="the extra `train` is not installed")

from zhanggui.corpus import parts
from zhanggui.corpus.annotate import annotate_folder
from zhanggui.corpus.build import build
from zhanggui.corpus.document import Annotation, Document
from zhanggui.corpus.read import Columns
from zhanggui.errors import CorpusError
from zhanggui.testing import FakeLLM
from zhanggui.training.corpora import texts
from zhanggui.training.settings import ColumnSettings

GOOD = ["面料很柔软", "版型显瘦", "味道香甜", "物流很快", "做工精致", "价格实惠", "客服很耐心", "包装完好，喜欢"]
BAD = ["面料粗糙", "版型变形", "味道难吃", "物流太慢", "做工太差", "价格太贵", "客服态度差", "包装破损，失望"]
THINGS = [("茶", "龙井茶叶清香", "水泡茶杯"), ("衣", "衬衫袖口领口", "裙子腰身尺码")]


def _corpus(folder: Path, *, topics: bool) -> Path:
    rng = random.Random(3)
    rows: list[dict[str, Any]] = []
    for n in range(240):
        good = n % 2
        name, *about = THINGS[n % 4 // 2]
        said = rng.sample(GOOD if good else BAD, 3)
        rows.append(
            {
                "text": f"{rng.choice(about)}，{'，'.join(said)}，第{rng.randrange(10**6)}单",
                "label": str(good),
                "topic": name,
                "facts": {"编号": str(n), "类": name},
            }
        )
    rows.append({"text": "Soft <script>alert(1)</script> fabric & <b>fits perfectly</b>, fast delivery", "label": "1", "topic": "衣", "facts": {}})  # fmt: skip
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    columns = Columns(label="label", topic="topic" if topics else "", attributes="facts")
    return build([path], columns, folder / "corpus", threshold=0.95).folder


def test_a_corpus_is_annotated_in_place_and_still_trains(tmp_path: Path) -> None:
    folder = _corpus(tmp_path, topics=True)
    before = texts(folder, ColumnSettings(), work=tmp_path)
    card = annotate_folder(folder)
    after = texts(folder, ColumnSettings(), work=tmp_path)
    assert (after.train, after.validation) == (before.train, before.validation)
    assert card == json.loads((folder / "card.json").read_text(encoding="utf-8"))
    kept = [one for mine in parts.read(folder).values() for one in mine]
    said = [one for document in kept for one in document.annotations]
    assert {one.kind for one in said} == {"keyword", "topic", "sentiment", "emotion", "selling_point", "attribute"}
    assert all(0 <= one.confidence <= 1 and one.by and one.source in ("rule", "classifier") for one in said)
    assert all(
        one.value in document.text for document in kept for one in document.annotations if one.kind == "selling_point"
    )
    measured = card["annotations"]["sentiment"]["measured"]
    assert measured["classifier"]["accuracy"] > 0.9
    assert measured["rule"]["decided"] > 0.8
    assert measured["rule"]["accuracy_where_decided"] > 0.9
    assert card["annotations"]["topic"]["measured"]["classifier"]["accuracy"] > 0.9
    assert "## Annotations 标注" in (folder / "card.md").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_files_and_again_changes_nothing(tmp_path: Path) -> None:
    folder = _corpus(tmp_path, topics=False)
    annotate_folder(folder, topic_count=2, seed=5)
    first = {part: (folder / f"{part}.jsonl").read_bytes() for part in parts.PARTS}
    annotate_folder(folder, topic_count=2, seed=5)
    assert first == {part: (folder / f"{part}.jsonl").read_bytes() for part in parts.PARTS}


def test_topics_are_found_where_none_are_given(tmp_path: Path) -> None:
    folder = _corpus(tmp_path, topics=False)
    card = annotate_folder(folder, topic_count=2)
    found = card["annotations"]["topic"]
    assert found["sources"].keys() == {f"rule: {next(iter(found['sources'])).removeprefix('rule: ')}"}
    assert 2 <= len(found["most_common"]) <= 3
    assert "nmf-2" in next(iter(found["sources"]))


def test_what_is_shown_to_people_is_escaped(tmp_path: Path) -> None:
    folder = _corpus(tmp_path, topics=True)
    path = folder / "train.jsonl"
    row = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    row |= {"text": "面料很柔软，<img src=x onerror=alert(1)>很满意", "attributes": [["<i>a", "<u>b"]], "label": "<s>1"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n" + path.read_text(encoding="utf-8").split("\n", 1)[1])
    annotate_folder(folder)
    for page in ("samples.html", "card.md"):
        text = (folder / page).read_text(encoding="utf-8")
        assert "关键词" in text
        assert not any(tag in text for tag in ("<img", "<script", "<i>", "<u>", "<s>"))


def test_a_language_model_reads_as_many_texts_as_it_is_told(tmp_path: Path) -> None:
    folder = _corpus(tmp_path, topics=True)
    model = FakeLLM(["sentiment: positive\nemotion: none\nselling points: none"])
    card = annotate_folder(folder, model=model, model_texts=20)
    assert len(model.requests) == 20
    assert card["annotations"]["sentiment"]["sources"]["language_model: fake"] == 20


def test_a_document_comes_back_as_it_was_written(tmp_path: Path) -> None:
    said = Annotation(kind="attribute", value="宽松", source="rule", by="attributes/1", confidence=1.0, aspect="版型")
    one = Document(
        document_id="1", text="好", group="g", attributes=(("版型", "宽松"),), annotations=(said,), topic="t"
    )
    parts.write(tmp_path, {part: [one] for part in parts.PARTS})
    assert parts.read(tmp_path) == {part: [one] for part in parts.PARTS}


def test_what_is_no_corpus_is_named_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="corpus build"):
        annotate_folder(tmp_path)
    folder = _corpus(tmp_path, topics=True)
    with (folder / "validation.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": 1}\n')
    with pytest.raises(CorpusError, match=r"validation\.jsonl:\d+"):
        annotate_folder(folder)
