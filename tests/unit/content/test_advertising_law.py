"""The advertising-law check against labelled sentences; `split` says which ones were looked at while writing rules."""

import json
from collections import Counter
from pathlib import Path

import pytest

from zhanggui.content import advertising_law
from zhanggui.content.settings import Exemption

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "advertising_phrases.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def scores(rows: list[dict[str, str]]) -> tuple[float, float, list[str]]:
    """Precision, recall, and the sentences judged wrongly."""
    counts: Counter[tuple[bool, bool]] = Counter()
    wrong = []
    for row in rows:
        said, true = bool(advertising_law.check(row["text"])), row["label"] == "violation"
        counts[said, true] += 1
        if said != true:
            wrong.append(f"{'missed' if true else 'false alarm'}: {row['text']}")
    caught = counts[True, True]
    return caught / (caught + counts[True, False]), caught / (caught + counts[False, True]), wrong


def test_the_set_is_large_and_holds_lawful_uses() -> None:
    assert len({row["text"] for row in ROWS}) == len(ROWS) >= 300
    assert sum(row["label"] == "fine" and "最" in row["text"] for row in ROWS) >= 60


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("split", sorted({row["split"] for row in ROWS}))
def test_precision_and_recall(language: str, split: str) -> None:
    rows = [row for row in ROWS if row["language"] == language and row["split"] == split]
    precision, recall, wrong = scores(rows)
    print(f"\n{language} {split}: {len(rows)} sentences, precision {precision:.3f}, recall {recall:.3f}")
    print("\n".join(wrong))
    assert precision >= 0.9
    assert recall >= 0.9


def test_an_exempted_term_passes_and_others_do_not() -> None:
    exemption = Exemption(term="最佳拍档", reason="a registered product name")
    assert advertising_law.check("最佳拍档茶杯上架。", exemptions=[exemption]) == []
    assert advertising_law.check("最佳拍档，最佳茶杯。", exemptions=[exemption])
