"""Percentile bootstrap (Efron 1979) over texts: intervals of figures and of paired differences. Knows only numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_CELLS = 4_000_000
"""Draws held at once: bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of a set of texts, with its interval.

    What is not defined is not a number: the value where no text counts, the interval where only one does, since one text
    drawn again and again says nothing of others.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """A figure as a function of sums over n texts: `of` maps sums (..., k) of the columns (n, k) to figures (...)."""

    columns: Array
    of: Callable[[Array], Array]
    counted: int
    """Texts that count for it."""


def mean(values: Array, counts: NDArray[np.bool_] | None = None) -> Statistic:
    """The mean of (n,) values, over those texts for which it is defined."""
    valid = np.ones(len(values), dtype=bool) if counts is None else counts
    return ratio(np.where(valid, values, 0.0), valid.astype(np.float64))


def ratio(above: Array, below: Array) -> Statistic:
    """The sum of (n,) values over the sum of others; not a number where nothing is below."""

    def of(sums: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    return Statistic(columns=np.stack([above, below], axis=1), of=of, counted=int((below != 0).sum()))


def resample(statistics: list[Statistic], *, replicates: int, seed: int) -> list[Array]:
    """(replicates,) figures of each statistic; all see the same resamples of the texts, so that they can be paired."""
    columns = np.concatenate([one.columns for one in statistics], axis=1)
    rows = len(columns)
    sums = np.empty((replicates, columns.shape[1]))
    random = np.random.default_rng(seed)
    step = max(1, _CELLS // max(1, rows))
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        drawn = random.integers(0, rows, (size, rows)) + rows * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)
        sums[start : start + size] = times.astype(np.float64) @ columns
    ends = np.cumsum([one.columns.shape[1] for one in statistics])
    return [
        one.of(sums[:, end - one.columns.shape[1] : end]) for one, end in zip(statistics, ends.tolist(), strict=True)
    ]


def figure(statistic: Statistic, resampled: Array, *, confidence: float = 0.95) -> Figure:
    """The figure of the texts themselves, between the percentiles of its resamples."""
    value = float(statistic.of(statistic.columns.sum(axis=0)))
    return _between(value, resampled, confidence, counted=statistic.counted)


def difference(one: tuple[Statistic, Array], other: tuple[Statistic, Array], *, confidence: float = 0.95) -> Figure:
    """`one` less `other`, paired: what a resample does to both cancels."""
    (mine, resampled), (theirs, others) = one, other
    value = float(mine.of(mine.columns.sum(axis=0)) - theirs.of(theirs.columns.sum(axis=0)))
    return _between(value, resampled - others, confidence, counted=min(mine.counted, theirs.counted))


def _between(value: float, resampled: Array, confidence: float, *, counted: int) -> Figure:
    # A resample may leave out every text for which the figure is defined.
    defined = resampled[~np.isnan(resampled)]
    if counted < 2 or not len(defined):
        return Figure(value=value, low=float("nan"), high=float("nan"))
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Figure(value=value, low=float(low), high=float(high))
