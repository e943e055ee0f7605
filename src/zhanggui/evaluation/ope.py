"""What another policy would have earned, from the log of the one that ran. Knows only numbers.

IPS (Horvitz and Thompson 1952), SNIPS (Swaminathan and Joachims 2015), DR (Dudik, Langford and Li 2011).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import PolicyError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A policy's value with a normal interval, and how many rows' worth of information the weights leave.

    Of one row the interval is everything.
    """

    value: float
    low: float
    high: float
    effective_n: float


def ips(rewards: Array, propensities: Array, target: Array, *, confidence: float = 0.95) -> Estimate:
    """Inverse propensity scoring: (n,) rewards and logged propensities, (n,) target probability of the logged action."""
    weights = _weights(propensities, target)
    return _mean(weights * rewards, weights, confidence)


def snips(rewards: Array, propensities: Array, target: Array, *, confidence: float = 0.95) -> Estimate:
    """Self-normalised IPS; the interval by the delta method."""
    weights = _weights(propensities, target)
    if weights.sum() == 0:
        raise PolicyError("the target policy never chooses what was logged: nothing can be said about it")
    value = float((weights * rewards).sum() / weights.sum())
    influence = weights * (rewards - value) / weights.mean()
    found = _mean(influence, weights, confidence)
    return Estimate(
        value=value,
        low=value + found.low - found.value,
        high=value + found.high - found.value,
        effective_n=found.effective_n,
    )


def dr(
    rewards: Array,
    propensities: Array,
    chosen: NDArray[np.int64],
    target: Array,
    predicted: Array,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Doubly robust: `target` (n, k) probabilities, `predicted` (n, k) rewards of a model, `chosen` (n,) logged actions."""
    rows = np.arange(len(rewards))
    weights = _weights(propensities, target[rows, chosen])
    direct = (target * predicted).sum(axis=1)
    return _mean(direct + weights * (rewards - predicted[rows, chosen]), weights, confidence)


def _weights(propensities: Array, target: Array) -> Array:
    if not len(propensities):
        raise PolicyError("no decision was logged: nothing can be evaluated")
    if not np.all((propensities > 0) & (propensities <= 1)):
        raise PolicyError("a logged propensity is not between 0 and 1: without it nothing can be evaluated")
    return np.asarray(target / propensities)


def _mean(values: Array, weights: Array, confidence: float) -> Estimate:
    from scipy.stats import norm

    value = float(values.mean())
    # One row says nothing of the spread: the interval has no ends.
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("inf")
    half = float(norm.ppf(0.5 + confidence / 2) * spread / np.sqrt(len(values)))
    square = float((weights**2).sum())
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        effective_n=float(weights.sum()) ** 2 / square if square else 0.0,
    )
