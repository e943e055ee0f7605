"""Thompson sampling with Beta posteriors, without contexts, with exact propensities.

Thompson 1933; Chapelle and Li 2011. An action is drawn with the probability that it is the best one, found by
quadrature instead of by sampling, so that the logged propensity is the true one. Knows no marketing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import PolicyError
from zhanggui.policies.draw import arm_id, draw
from zhanggui.policies.policy import A, Contexts, Mask, Selections

_LEVELS = np.concatenate([[1e-9, 1e-6, 1e-4], np.linspace(0.001, 0.999, 250), [1 - 1e-4, 1 - 1e-6, 1 - 1e-9]])
_NODES = 1024


class ThompsonPolicy(Generic[A]):
    """One Beta posterior an action; rewards in [0, 1].

    `prior`: successes and failures imagined before the first reward. `exploration`: share of choices made evenly.
    """

    def __init__(self, prior: tuple[float, float] = (1.0, 1.0), exploration: float = 0.05) -> None:
        if min(prior) <= 0 or not 0 <= exploration <= 1:
            raise PolicyError("a Thompson policy needs a positive prior and an exploration between 0 and 1")
        self._prior, self._exploration = prior, exploration
        self._counts: dict[str, tuple[float, float]] = {}

    def select(
        self, contexts: Contexts, actions: Sequence[A], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[A]:
        """Draw each row's action by its probability of being best among the eligible; `contexts` are not used."""
        masks, which = _distinct(eligible)
        alpha, beta = self._posterior(actions)
        best = best_beta(alpha, beta, masks)
        return draw(actions, best[which], eligible=eligible, uniforms=uniforms, exploration=self._exploration)

    def update(self, contexts: Contexts, selections: Selections[A], rewards: NDArray[np.float64]) -> None:
        """Add rewards (n,) to the posteriors. Raises PolicyError for a reward outside [0, 1]."""
        chosen = selections.indices >= 0
        if np.any((rewards[chosen] < 0) | (rewards[chosen] > 1) | np.isnan(rewards[chosen])):
            raise PolicyError("a Thompson policy learns from rewards between 0 and 1; use the linear one for amounts")
        size = len(selections.actions)
        won = np.bincount(selections.indices[chosen], rewards[chosen], minlength=size)
        seen = np.bincount(selections.indices[chosen], minlength=size)
        for action, wins, count in zip(selections.actions, won, seen, strict=True):
            if count:
                before = self._counts.get(arm_id(action), (0.0, 0.0))
                self._counts[arm_id(action)] = (before[0] + float(wins), before[1] + float(count - wins))

    def state(self) -> Mapping[str, Any]:
        """Successes and failures by arm id."""
        return {"counts": {arm: list(pair) for arm, pair in self._counts.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up successes and failures; arms that nobody asks for any more rest."""
        self._counts = {arm: (float(won), float(lost)) for arm, (won, lost) in state.get("counts", {}).items()}

    def _posterior(self, actions: Sequence[A]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        counts = np.array([self._counts.get(arm_id(action), (0.0, 0.0)) for action in actions]).reshape(-1, 2)
        return counts[:, 0] + self._prior[0], counts[:, 1] + self._prior[1]


def best_beta(alpha: NDArray[np.float64], beta: NDArray[np.float64], masks: Mask) -> NDArray[np.float64]:
    """(m, k) weights proportional to P(arm has the largest value) for independent Beta arms, among those in each mask.

    The nodes are quantiles of every arm, so that each is seen where its weight lies; all masks are one product.
    """
    from scipy.special import betainc, betaincinv

    if not len(masks) or not len(alpha):
        return np.zeros(masks.shape)
    grid = np.unique(betaincinv(alpha[:, None], beta[:, None], _LEVELS))
    if len(grid) > _NODES:
        grid = np.interp(np.linspace(0, 1, _NODES), np.linspace(0, 1, len(grid)), grid)
    below = betainc(alpha[:, None], beta[:, None], grid)
    below = np.pad(below, ((0, 0), (1, 1)), constant_values=(0.0, 1.0))
    middle = np.maximum((below[:, 1:] + below[:, :-1]) / 2, 1e-300)
    # P_i = sum over cells of dF_i * prod_{j != i} F_j, with the product of all divided by F_i.
    logs = masks @ np.log(middle)
    weights: NDArray[np.float64] = np.exp(logs) @ (np.diff(below, axis=1) / middle).T
    return weights * masks


def _distinct(eligible: Mask) -> tuple[Mask, NDArray[np.int64]]:
    """The distinct rows of a mask, and which of them each row is. Customers share few patterns."""
    packed = np.ascontiguousarray(np.packbits(eligible, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return eligible[first], which.astype(np.int64)
