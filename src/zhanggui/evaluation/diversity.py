"""How much texts vary: distinct-n (Li et al. 2016) and repetition-n (Welleck et al. 2020). Words, or Chinese characters."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.ngrams import Counted

_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['’][^\W\d_]+)?")


def units(text: str) -> list[str]:
    """The words of a text, in lower case; each Chinese character is one."""
    return _UNIT.findall(text.lower())


def grams(text: str, n: int) -> list[tuple[str, ...]]:
    """The n-grams of a text's units."""
    found = units(text)
    return [tuple(found[place : place + n]) for place in range(len(found) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams over all n-grams of all texts, in [0, 1]; 0 when there is none."""
    made = [gram for text in texts for gram in grams(text, n)]
    return len(set(made)) / len(made) if made else 0.0


def repetition(text: str, n: int) -> float:
    """Share of a text's n-grams that it has said before, in [0, 1]."""
    made = grams(text, n)
    return 1 - len(set(made)) / len(made) if made else 0.0


def distinct_by_text(text: Counted, n: int) -> NDArray[np.float64]:
    """(texts,) values whose mean is distinct-n and whose spread is that of its jackknife (Efron and Stein 1981).

    Resampling whole texts would say n-grams twice that the shop never did; what leaving out each text changes can be
    resampled. Grows as texts get fewer: compare sets of equal size only.
    """
    found, totals = text.grams[n - 1], text.total(n)
    rows, total = len(text.lengths), int(totals.sum())
    if not total:
        return np.zeros(rows)
    said_by = np.bincount(found.ids, minlength=found.size)
    alone = np.bincount(found.rows[said_by[found.ids] == 1], minlength=rows)
    size = int((said_by > 0).sum())
    without = (size - alone) / np.maximum(1, total - totals)
    return np.asarray(size / total + (rows - 1) * (without.mean() - without))


def repetition_by_text(text: Counted, n: int) -> NDArray[np.float64]:
    """(texts,) repetition-n of each text."""
    totals = text.total(n)
    return np.where(
        totals > 0,
        1 - np.bincount(text.grams[n - 1].rows, minlength=len(totals)) / np.maximum(1, totals),
        0.0,
    )
