"""From probabilities to choices: the propensity of a choice is the very number that it was drawn with. Learns nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.policies.policy import A, Mask, Selections

_CELLS = 50_000  # (rows x actions) held at a time: they stay in the processor's cache


def draw(
    actions: Sequence[A],
    weights: NDArray[Any],
    *,
    eligible: Mask,
    uniforms: NDArray[np.float64],
    exploration: float = 0.0,
) -> Selections[A]:
    """Draw one eligible action a row in proportion to `weights` (n, k), by inverting the cumulative distribution.

    `exploration` is the share given evenly to all eligible actions, so that no propensity is zero.
    """
    size = len(weights)
    indices, propensities = np.empty(size, dtype=np.int64), np.empty(size)
    step = max(1, _CELLS // max(1, eligible.shape[1]))
    for start in range(0, size, step):
        rows = slice(start, start + step)
        indices[rows], propensities[rows] = _drawn(weights[rows], eligible[rows], uniforms[rows], exploration)
    return Selections(actions=actions, indices=indices, propensities=propensities)


def _drawn(
    weights: NDArray[Any], eligible: Mask, uniforms: NDArray[np.float64], exploration: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    counts = eligible.sum(axis=1)
    shares = weights * eligible.astype(np.float64)
    totals = shares.sum(axis=1)
    # Where every weight has underflowed, nothing is known: all eligible actions alike.
    known = totals > 0
    shares *= np.where(known, (1 - exploration) / np.where(known, totals, 1.0), 0.0)[:, None]
    shares += eligible * (np.where(known, exploration, 1.0) / np.maximum(counts, 1))[:, None]
    cumulative = np.cumsum(shares, axis=1)
    indices = (cumulative <= (uniforms * cumulative[:, -1])[:, None]).sum(axis=1)
    last = shares.shape[1] - 1 - np.argmax(shares[:, ::-1] > 0, axis=1)
    indices = np.minimum(indices, last)
    propensities = shares[np.arange(len(indices)), indices]
    nothing = counts == 0
    return np.where(nothing, -1, indices), np.where(nothing, 1.0, propensities)


def arm_id(action: object) -> str:
    """What an action's learning is kept under: its `action_id` if it has one, else its text."""
    return str(getattr(action, "action_id", action))
