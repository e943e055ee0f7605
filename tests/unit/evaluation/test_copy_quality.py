"""Every figure against the libraries that the field uses, on real copy: ours, and AdvertiseGen where it lies beside."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhanggui.evaluation.copy_quality import CopyQuality, evaluate
from zhanggui.evaluation.copy_rows import REFERENCE, CopyRow
from zhanggui.evaluation.diversity import distinct, repetition
from zhanggui.evaluation.metrics import METRICS
from zhanggui.evaluation.side_by_side import NOTE, is_whole, printed, render, verdict
from zhanggui.evaluation.source import from_row

ROOT = Path(__file__).parents[3]
OURS = ROOT / "data" / "copywriter" / "zh" / "zh-0.jsonl"
ADVERTISEGEN = ROOT / ".." / "shared" / "data" / "advertisegen" / "train_5000.jsonl"


def pairs(path: Path, count: int, chars: int | None = None) -> list[tuple[str, str]]:
    """References, and as predictions half of each before the whole of the one behind it: some overlap, some not."""
    if not path.exists():
        pytest.skip(f"{path.name} is not there: AdvertiseGen is research data and not part of the project")
    with path.open(encoding="utf-8") as file:
        found = [json.loads(line) for line in itertools.islice(file, count + 1)]
    texts = [row.get("summary") or row["copy"] for row in found]
    return [(one[:chars], (one[: len(one) // 2] + other)[:chars]) for one, other in itertools.pairwise(texts)]


def rows(both: Sequence[tuple[str, str]], language: str = "zh", **source: Any) -> list[CopyRow]:
    return [
        CopyRow(place=str(number), language=language, source=from_row(source), reference=one, texts={"system": text})
        for number, (one, text) in enumerate(both)
    ]


def value(found: CopyQuality, metric: str, column: str = "system") -> float:
    return found.figures[metric][column].value


def as_the_field_scores(both: Sequence[tuple[str, str]]) -> dict[str, float]:
    """ChatGLM-6B's way: nltk over characters, rouge-chinese over jieba's words, means over texts, x 100."""
    jieba = pytest.importorskip("jieba", reason="the extra `zh` is not installed")
    rouge = pytest.importorskip("rouge_chinese").Rouge()
    nltk = pytest.importorskip("nltk.translate.bleu_score")
    jieba.setLogLevel(60)
    smooth, total = nltk.SmoothingFunction().method3, dict.fromkeys(("rouge-1", "rouge-2", "rouge-l", "bleu-4"), 0.0)
    for reference, text in both:
        scores = rouge.get_scores(" ".join(jieba.cut(text)), " ".join(jieba.cut(reference)))[0]
        for name in ("rouge-1", "rouge-2", "rouge-l"):
            total[name] += scores[name]["f"]
        total["bleu-4"] += nltk.sentence_bleu([list(reference)], list(text), smoothing_function=smooth)
    return {name: 100 * one / len(both) for name, one in total.items()}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # jieba's own
@pytest.mark.parametrize("path", [OURS, ADVERTISEGEN], ids=["ours", "advertisegen"])
@pytest.mark.parametrize("chars", [None, 30])
def test_chinese_scores_are_those_of_nltk_rouge_chinese_and_jieba(path: Path, chars: int | None) -> None:
    both = pairs(path, 120, chars)
    theirs, found = as_the_field_scores(both), evaluate(rows(both), replicates=10)
    ours = {
        "bleu-4": value(found, "bleu_4_characters"),
        **{f"rouge-{n}": value(found, f"rouge_{n}_words") for n in ("1", "2", "l")},
    }
    assert {name: f"{100 * one:.2f}" for name, one in ours.items()} == {
        name: f"{one:.2f}" for name, one in theirs.items()
    }
    for name, one in ours.items():
        assert one == pytest.approx(theirs[name] / 100, abs=1e-6)


def test_character_scores_are_those_of_sacrebleu_and_rouge_chinese() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    rouge = pytest.importorskip("rouge_chinese").Rouge()
    pytest.importorskip("jieba", reason="the extra `zh` is not installed")
    both = pairs(OURS, 120)
    found = evaluate(rows(both), replicates=10)
    theirs = sacrebleu.corpus_bleu([text for _, text in both], [[one for one, _ in both]], tokenize="char")
    assert value(found, "corpus_bleu_4_characters") == pytest.approx(theirs.score / 100, abs=1e-6)
    for name in ("1", "2", "l"):
        scores = [rouge.get_scores(" ".join(text), " ".join(one))[0][f"rouge-{name}"]["f"] for one, text in both]
        assert value(found, f"rouge_{name}_characters") == pytest.approx(np.mean(scores), abs=1e-6)


def test_english_scores_are_those_of_nltk_over_lower_case_words() -> None:
    nltk = pytest.importorskip("nltk.translate.bleu_score")
    both = [("A warm sage mug for slow mornings.", "A sage mug, for mornings!"), ("Good tea.", "Coffee beans")]
    found = evaluate(rows(both, "en"), replicates=10)
    smooth = nltk.SmoothingFunction().method3
    reference, text = ("a", "warm", "sage", "mug", "for", "slow", "mornings"), ("a", "sage", "mug", "for", "mornings")
    theirs = nltk.sentence_bleu([reference], text, smoothing_function=smooth)
    assert value(found, "bleu_4_words") == pytest.approx(theirs / 2, abs=1e-6)
    assert "bleu_4_characters" not in found.figures


def test_diversity_is_that_of_the_plain_texts() -> None:
    pytest.importorskip("jieba", reason="the extra `zh` is not installed")
    both = pairs(OURS, 60)
    found = evaluate(rows(both), replicates=10)
    for column, texts in ((REFERENCE, [one for one, _ in both]), ("system", [text for _, text in both])):
        for n in (1, 2, 3, 4):
            assert value(found, f"distinct_{n}", column) == pytest.approx(distinct(texts, n))
        assert value(found, "repetition_4", column) == pytest.approx(np.mean([repetition(one, 4) for one in texts]))


SOURCE = {"about": "Linen Shirt", "facts": {"colour": "sage", "material": "linen"}}
GOOD, BAD = "A sage linen shirt.", "A cotton shirt, 50% off."


def shirts(count: int = 30) -> list[CopyRow]:
    row = CopyRow(place="a:1", language="en", source=from_row(SOURCE), reference=None, texts={"bad": BAD, "good": GOOD})
    return [row] * count


def test_relevance_and_faithfulness_tell_good_copy_from_bad() -> None:
    found = evaluate(shirts(), values=["cotton", "navy"], replicates=50)
    assert (value(found, "attribute_coverage", "good"), value(found, "attribute_coverage", "bad")) == (1, 0)
    assert (value(found, "unsupported_attributes", "good"), value(found, "unsupported_attributes", "bad")) == (0, 1)
    assert (value(found, "unsupported_claims", "good"), value(found, "unsupported_claims", "bad")) == (0, 1)
    assert {"50%", "cotton"} <= set(found.claims["bad"][0])
    assert found.differences["attribute_coverage"]["good"].low == 1.0
    assert "bad" not in found.differences["attribute_coverage"]


def test_what_nobody_can_measure_has_no_figure() -> None:
    bare = [CopyRow(place="a:1", language="en", source=None, reference=None, texts={"one": "A mug."})] * 3
    assert set(evaluate(bare, replicates=10).figures) == {
        "distinct_1", "distinct_2", "distinct_3", "distinct_4", "self_bleu_4", "repetition_4", "length",
    }  # fmt: skip


def test_rows_without_reference_or_source_count_for_nothing_there() -> None:
    with_both = rows([("A sage mug.", "A sage mug.")], "en", about="Mug", facts={"colour": "sage"})
    without = [CopyRow(place="b:1", language="en", source=None, reference=None, texts={"system": "Tea."})]
    found = evaluate([*with_both, *without] * 5, replicates=20)
    assert value(found, "rouge_1_words") == 1.0
    assert value(found, "attribute_coverage") == 1.0
    assert REFERENCE not in found.columns


def test_an_empty_text_scores_nothing_and_is_not_left_out() -> None:
    found = evaluate(rows([("A sage mug.", "A sage mug."), ("Good tea here.", "")], "en"), replicates=10)
    assert value(found, "rouge_1_words") == 0.5
    assert value(found, "length") == 5.5


def test_perplexity_is_over_all_tokens_and_similarity_through_what_embeds() -> None:
    def scorer(texts: Sequence[str]) -> Any:
        return np.array([[len(text) * 0.5, len(text)] for text in texts], dtype=float)

    def embed(texts: Sequence[str]) -> Any:
        return np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (len(texts), 1))

    found = evaluate(shirts(), scorer=scorer, embed=embed, replicates=20)
    assert value(found, "perplexity", "good") == pytest.approx(np.exp(0.5))
    assert value(found, "similarity", "bad") == pytest.approx(1.0)


def test_same_seed_same_report_and_it_is_plain_data() -> None:
    first, again = (json.dumps(evaluate(shirts(), replicates=20, seed=3).to_json()) for _ in range(2))
    assert first == again
    assert json.loads(first)["differences"]["from"] == "bad"


def of_texts(*texts: tuple[str, str]) -> list[CopyRow]:
    return [
        CopyRow(place=str(number), language="en", source=None, reference="good tea", texts={"one": one, "two": two})
        for number, (one, two) in enumerate(texts)
    ]


def test_one_row_calls_nothing_better_and_says_that_it_has_no_intervals() -> None:
    found = evaluate(of_texts(("tin", "good tea")))
    gap = found.differences["rouge_1_words"]["two"]
    metric = next(one for one in METRICS if one.name == "rouge_1_words")
    assert gap.value == 1.0
    assert verdict(metric, gap) == ""
    assert printed(metric, found.figures["rouge_1_words"]["two"]) == ("100.00", "n/a")
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["figures"]["two"]["rouge_1_words"] == {
        "value": 1.0,
        "low": None,
        "high": None,
    }
    assert not is_whole(found)
    assert all(words in render(found) for words in NOTE)


def test_texts_that_are_all_equal_or_all_empty_are_measured_without_a_bare_nan() -> None:
    same = evaluate(of_texts(*[("good tea", "good tea")] * 4))
    assert is_whole(same)
    assert same.differences["rouge_1_words"]["two"].low == same.differences["rouge_1_words"]["two"].high == 0.0
    assert "n/a" not in render(same)
    empty = evaluate(
        of_texts(*[("", "good tea")] * 4), scorer=lambda texts: np.array([[2.0 * len(one), len(one)] for one in texts])
    )
    assert empty.figures["length"]["one"].value == 0.0
    perplexity = next(one for one in METRICS if one.name == "perplexity")
    assert printed(perplexity, empty.figures["perplexity"]["one"]) == ("n/a", "")
    assert printed(perplexity, empty.differences["perplexity"]["two"], sign=True) == ("n/a", "")
    assert "nan" not in render(empty)
    assert NOTE[0] in render(empty)


def test_distinct_stays_a_share_where_texts_are_few() -> None:
    found = evaluate(of_texts(("green tea tin", "a"), ("", "a b"), ("", "b c")))
    for n in (1, 2, 3):
        for one in found.figures[f"distinct_{n}"].values():
            assert 0.0 <= one.low <= one.value <= one.high <= 1.0
