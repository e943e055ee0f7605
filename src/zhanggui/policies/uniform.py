"""Every eligible action alike. Learns nothing; the honest way to gather data."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from zhanggui.policies.draw import draw
from zhanggui.policies.policy import A, Contexts, Mask, Selections


class UniformPolicy(Generic[A]):
    """Chooses among the eligible actions with equal probability."""

    def select(
        self, contexts: Contexts, actions: Sequence[A], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[A]:
        """One eligible action a row, each with propensity 1 / (number eligible)."""
        return draw(actions, np.ones(eligible.shape), eligible=eligible, uniforms=uniforms)

    def update(self, contexts: Contexts, selections: Selections[A], rewards: NDArray[np.float64]) -> None:
        """Nothing to learn."""

    def state(self) -> Mapping[str, Any]:
        """Nothing learned."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to take up."""
