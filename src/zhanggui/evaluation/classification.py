"""How well a classifier does on labelled texts: accuracy, macro-F1, calibration, each class, with bootstrap intervals.

Numbers in, numbers out; knows no model and no text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
_RESAMPLES = 1_000

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Classified:
    """Figures of one classifier on one set of rows. Intervals: 95%, percentiles of the bootstrap (Efron 1979)."""

    labels: tuple[str, ...]
    rows: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    """Mean over the classes of F1, the harmonic mean of precision and recall."""
    macro_f1_interval: Interval
    ece: float
    """Expected calibration error: mean distance of confidence and accuracy over 15 bins of confidence (Guo et al. 2017)."""
    ece_interval: Interval
    confusion: tuple[tuple[int, ...], ...]
    """Counts [true class][predicted class]."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 and the number of rows of each class; 0 where a ratio has nothing below it."""
        precision, recall, f1 = _ratios(np.array(self.confusion))
        return {
            label: {
                "precision": float(precision[place]),
                "recall": float(recall[place]),
                "f1": float(f1[place]),
                "rows": sum(self.confusion[place]),
            }
            for place, label in enumerate(self.labels)
        }

    def figures(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            "rows": self.rows,
            "intervals": {
                "accuracy": list(self.accuracy_interval),
                "macro_f1": list(self.macro_f1_interval),
                "ece": list(self.ece_interval),
            },
            "per_class": self.per_class(),
            "confusion": [list(row) for row in self.confusion],
        }

    def page(self, title: str) -> str:
        """The figures as Markdown."""
        lines = [f"## {title}: {self.rows:,} texts", "", "| | | 95% interval |", "|---|---|---|"]
        for name, value, (low, high) in (
            ("accuracy", self.accuracy, self.accuracy_interval),
            ("macro-F1", self.macro_f1, self.macro_f1_interval),
            ("expected calibration error", self.ece, self.ece_interval),
        ):
            lines.append(f"| {name} | {value:.4f} | {low:.4f} to {high:.4f} |")
        lines += ["", "| class | precision | recall | F1 | texts |", "|---|---|---|---|---|"]
        for label, one in self.per_class().items():
            lines.append(
                f"| {label} | {one['precision']:.3f} | {one['recall']:.3f} | {one['f1']:.3f} | {one['rows']:.0f} |"
            )
        lines += ["", "| true \\ predicted | " + " | ".join(self.labels) + " |", "|---|" + "---|" * len(self.labels)]
        lines += [
            f"| {label} | " + " | ".join(map(str, row)) + " |"
            for label, row in zip(self.labels, self.confusion, strict=True)
        ]
        return "\n".join(lines) + "\n"


def classified(
    probabilities: NDArray[np.floating[Any]], truth: Sequence[int], labels: Sequence[str], *, seed: int = 7
) -> Classified:
    """Compare `probabilities` [rows, classes] with the true classes; the likeliest class is the answer."""
    wanted, count = np.asarray(truth), len(labels)
    said = probabilities.argmax(1)
    confidence = probabilities.max(1).astype(np.float64)
    cells = wanted * count + said
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right = (said == wanted).astype(np.float64)

    def figures(rows: Any) -> tuple[float, float, float]:
        table = np.bincount(cells[rows], minlength=count * count).reshape(count, count)
        gap = np.bincount(bins[rows], weights=(confidence - right)[rows], minlength=BINS)
        total = table.sum()
        # Classes that neither occur nor are predicted say nothing.
        seen = (table.sum(0) + table.sum(1)) > 0
        return float(table.trace() / total), float(_ratios(table)[2][seen].mean()), float(np.abs(gap).sum() / total)

    whole = figures(slice(None))
    rng = np.random.default_rng(seed)
    drawn = np.array([figures(rng.integers(len(wanted), size=len(wanted))) for _ in range(_RESAMPLES)])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    spans = [(float(one), float(two)) for one, two in zip(low, high, strict=True)]
    confusion = np.bincount(cells, minlength=count * count).reshape(count, count)
    return Classified(
        labels=tuple(labels),
        rows=len(wanted),
        accuracy=whole[0],
        accuracy_interval=spans[0],
        macro_f1=whole[1],
        macro_f1_interval=spans[1],
        ece=whole[2],
        ece_interval=spans[2],
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def _ratios(confusion: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Precision, recall and F1 of each class."""
    right = confusion.diagonal().astype(np.float64)
    said, true = confusion.sum(0), confusion.sum(1)
    precision = right / np.maximum(said, 1)
    recall = right / np.maximum(true, 1)
    return precision, recall, 2 * right / np.maximum(said + true, 1)
