"""How well a classifier does on labelled texts: accuracy, macro-F1, calibration, each class, with bootstrap intervals.

Numbers in, numbers out; knows no model and no text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.bootstrap import Array, Figure, Statistic, figure, ratio, resample

BINS = 15
_RESAMPLES = 1_000


@dataclass(frozen=True, kw_only=True)
class Classified:
    """Figures of one classifier on one set of rows, with 95% intervals."""

    labels: tuple[str, ...]
    rows: int
    accuracy: Figure
    macro_f1: Figure
    """Mean over the classes of F1, the harmonic mean of precision and recall."""
    ece: Figure
    """Expected calibration error: mean distance of confidence and accuracy over 15 bins of confidence (Guo et al. 2017)."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts [true class][predicted class]."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 and the number of rows of each class; 0 where a ratio has nothing below it."""
        precision, recall, f1 = (np.nan_to_num(one) for one in _ratios(np.array(self.confusion, dtype=np.float64)))
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
        three = {"accuracy": self.accuracy, "macro_f1": self.macro_f1, "ece": self.ece}
        return {
            **{name: one.value for name, one in three.items()},
            "rows": self.rows,
            "intervals": {name: [_defined(one.low), _defined(one.high)] for name, one in three.items()},
            "per_class": self.per_class(),
            "confusion": [list(row) for row in self.confusion],
        }

    def page(self, title: str) -> str:
        """The figures as Markdown."""
        lines = [f"## {title}: {self.rows:,} texts", "", "| | | 95% interval |", "|---|---|---|"]
        three = {"accuracy": self.accuracy, "macro-F1": self.macro_f1, "expected calibration error": self.ece}
        lines += [f"| {name} | {one.value:.4f} | {_interval(one)} |" for name, one in three.items()]
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
    """Compare `probabilities` [rows, classes] with the true classes; the likeliest class is the answer.

    Raises EvaluationError without a row, and where a probability is not a number.
    """
    if not len(truth):
        raise EvaluationError("there is no text to measure a classifier on")
    if np.isnan(probabilities).any():
        raise EvaluationError("a probability is not a number", hint="a training that diverged makes such classifiers")
    wanted, count, said = np.asarray(truth), len(labels), probabilities.argmax(1)
    confidence = probabilities.max(1).astype(np.float64)
    cells = np.eye(count * count)[wanted * count + said]
    bins = np.eye(BINS)[np.minimum((confidence * BINS).astype(int), BINS - 1)]
    gaps = bins * (confidence - (said == wanted))[:, None]
    statistics = [
        ratio((said == wanted).astype(np.float64), np.ones(len(wanted))),
        Statistic(
            columns=cells, of=lambda sums: _macro_f1(sums.reshape(*sums.shape[:-1], count, count)), counted=len(wanted)
        ),
        # A resample has as many rows as there are.
        Statistic(columns=gaps, of=lambda sums: np.abs(sums).sum(-1) / len(wanted), counted=len(wanted)),
    ]
    drawn = resample(statistics, replicates=_RESAMPLES, seed=seed)
    accuracy, macro_f1, ece = (figure(one, values) for one, values in zip(statistics, drawn, strict=True))
    confusion = cells.sum(0).reshape(count, count).astype(int)
    return Classified(
        labels=tuple(labels),
        rows=len(wanted),
        accuracy=accuracy,
        macro_f1=macro_f1,
        ece=ece,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def _defined(number: float) -> float | None:
    return None if math.isnan(number) else number


def _interval(one: Figure) -> str:
    return "not defined: one text" if math.isnan(one.low) else f"{one.low:.4f} to {one.high:.4f}"


def _macro_f1(confusion: Array) -> Array:
    """Of (..., classes, classes) counts; classes that neither occur nor are predicted say nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(_ratios(confusion)[2], axis=-1))


def _ratios(confusion: Array) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 (..., classes) of each class; not a number where nothing is below a ratio."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    said, true = confusion.sum(-2), confusion.sum(-1)
    with np.errstate(invalid="ignore"):
        return right / said, right / true, 2 * right / (said + true)
