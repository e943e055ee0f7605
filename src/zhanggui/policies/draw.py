"""From probabilities to choices: the propensity of a choice is the very number that it was drawn with. Learns nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.policies.policy import A, Mask, Selections


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
    counts = eligible.sum(axis=1)
    weights = np.where(eligible, weights, 0.0).astype(np.float64)
    totals = weights.sum(axis=1, keepdims=True)
    even = eligible / np.maximum(counts, 1)[:, None]
    # Where every weight has underflowed, nothing is known: all eligible actions alike.
    shares = np.divide(weights, totals, out=even.copy(), where=totals > 0)
    shares = (1 - exploration) * shares + exploration * even
    cumulative = np.cumsum(shares, axis=1)
    indices = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(axis=1)
    last = shares.shape[1] - 1 - np.argmax(shares[:, ::-1] > 0, axis=1)
    indices = np.minimum(indices, last).astype(np.int64)
    propensities = shares[np.arange(len(indices)), indices]
    nothing = counts == 0
    return Selections(
        actions=actions,
        indices=np.where(nothing, -1, indices),
        propensities=np.where(nothing, 1.0, propensities),
    )


def arm_id(action: object) -> str:
    """What an action's learning is kept under: its `action_id` if it has one, else its text."""
    return str(getattr(action, "action_id", action))
