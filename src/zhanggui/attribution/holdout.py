"""Treated against holdout: what the messages changed, with intervals, and whether the groups are what they should be.

Rates: Newcombe 1998, method 10 (hybrid score). Means: Welch 1947. Ratio of samples: chi-square. Knows only numbers.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Treated minus holdout, with its interval."""

    treated: float
    holdout: float
    difference: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class Lift:
    """What a run changed."""

    treated: int
    """Customers."""
    holdout: int
    conversion: Difference
    """Share of customers who bought."""
    revenue_minor: Difference
    """Mean revenue a customer, minor units."""
    confidence: float
    detectable: float
    """Smallest difference in conversion that this many customers would show with 80% power."""
    ratio_p: float
    """P-value that the sizes of the groups fit the planned share; below 0.001 something sorts customers."""

    def in_words(self, language: str) -> str:
        """An honest verdict in one sentence."""
        c = self.conversion
        numbers = f"{c.difference:+.2%} ({self.confidence:.0%}: {c.low:+.2%} – {c.high:+.2%})"
        if language == "zh":
            if not c.told_apart:
                return f"触达组与对照组的购买率之差为 {numbers}，与偶然无法区分；小于 {self.detectable:.1%} 的效果本来就看不出来。"
            return f"触达组的购买率比对照组{'高' if c.difference > 0 else '低'}：差 {numbers}。"
        if not c.told_apart:
            return (
                f"No effect can be told apart from chance: treated minus holdout is {numbers} in conversion; "
                f"an effect below {self.detectable:.1%} would not show with this many customers."
            )
        return f"Treated customers bought {'more' if c.difference > 0 else 'less'} often: {numbers} in conversion."


def lift(
    converted: NDArray[np.bool_],
    revenue: NDArray[np.float64],
    treated: NDArray[np.bool_],
    *,
    share: float,
    confidence: float = 0.95,
) -> Lift | None:
    """Compare n customers' outcomes; `treated` (n,) against the rest. `share`: planned holdout. None without two groups."""
    from scipy.stats import chisquare, norm

    n1, n0 = int(treated.sum()), int((~treated).sum())
    if n1 < 2 or n0 < 2:
        return None
    rates = float(converted[treated].mean()), float(converted[~treated].mean())
    pooled = float(converted.mean())
    spread = sqrt(max(pooled * (1 - pooled), 1e-12) * (1 / n1 + 1 / n0))
    planned = np.array([1 - share, share]) * (n1 + n0)
    return Lift(
        treated=n1,
        holdout=n0,
        confidence=confidence,
        conversion=newcombe(rates[0], n1, rates[1], n0, confidence=confidence),
        revenue_minor=welch(revenue[treated], revenue[~treated], confidence=confidence),
        detectable=float(norm.ppf(0.5 + confidence / 2) + norm.ppf(0.8)) * spread,
        ratio_p=float(chisquare([n1, n0], planned).pvalue) if 0 < share < 1 else 1.0,
    )


def newcombe(p1: float, n1: int, p0: float, n0: int, *, confidence: float) -> Difference:
    """Difference of two proportions by the hybrid score interval."""
    low1, high1 = wilson(p1, n1, confidence=confidence)
    low0, high0 = wilson(p0, n0, confidence=confidence)
    difference = p1 - p0
    return Difference(
        treated=p1,
        holdout=p0,
        difference=difference,
        low=difference - sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2),
        high=difference + sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2),
    )


def wilson(p: float, n: int, *, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + confidence / 2))
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def welch(treated: NDArray[np.float64], holdout: NDArray[np.float64], *, confidence: float) -> Difference:
    """Difference of two means with unequal variances."""
    from scipy.stats import t

    m1, m0 = float(treated.mean()), float(holdout.mean())
    v1, v0 = float(treated.var(ddof=1)) / len(treated), float(holdout.var(ddof=1)) / len(holdout)
    half = 0.0
    if v1 + v0 > 0:
        freedom = (v1 + v0) ** 2 / (v1**2 / (len(treated) - 1) + v0**2 / (len(holdout) - 1))
        half = float(t.ppf(0.5 + confidence / 2, freedom)) * sqrt(v1 + v0)
    return Difference(treated=m1, holdout=m0, difference=m1 - m0, low=m1 - m0 - half, high=m1 - m0 + half)
