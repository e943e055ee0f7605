"""Linear Thompson sampling: one Bayesian linear regression an action, with propensities from quadrature.

Agrawal and Goyal 2013 (disjoint arms, as in Li et al. 2010). Knows no marketing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import PolicyError
from zhanggui.policies.draw import arm_id, draw
from zhanggui.policies.policy import A, Contexts, Mask, Selections

_NODES = 24
_CELLS = 400_000  # (rows x actions x nodes) held at a time: they stay in the processor's cache


class LinearThompsonPolicy(Generic[A]):
    """Each action's reward is linear in the context, with a Gaussian posterior N(theta, scale^2 A^-1).

    `ridge`: precision of the prior. `scale`: width of the posterior. `exploration`: share of choices made evenly.
    """

    def __init__(self, ridge: float = 1.0, scale: float = 0.5, exploration: float = 0.05) -> None:
        if ridge <= 0 or scale <= 0 or not 0 <= exploration <= 1:
            raise PolicyError("a linear policy needs positive ridge and scale, and an exploration between 0 and 1")
        self._ridge, self._scale, self._exploration = ridge, scale, exploration
        self._precision: dict[str, NDArray[np.float64]] = {}
        self._moment: dict[str, NDArray[np.float64]] = {}

    def select(
        self, contexts: Contexts, actions: Sequence[A], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[A]:
        """Draw each row's action by its probability of having the largest sampled reward among the eligible.

        Raises PolicyError when the contexts have another width than those that it has learned from.
        """
        means, deviations = self.posterior(contexts, actions)
        best = np.empty(eligible.shape, dtype=np.float32)
        step = max(1, _CELLS // max(1, eligible.shape[1] * _NODES))
        for start in range(0, len(contexts), step):
            rows = slice(start, start + step)
            best[rows] = best_normal(means[rows], deviations[rows], eligible[rows])
        return draw(actions, best, eligible=eligible, uniforms=uniforms, exploration=self._exploration)

    def posterior(self, contexts: Contexts, actions: Sequence[A]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation (n, k) of each action's expected reward."""
        width = contexts.shape[1]
        means = np.zeros((len(contexts), len(actions)), dtype=np.float32)
        deviations = np.empty_like(means)
        prior = self._scale * np.sqrt(np.einsum("nd,nd->n", contexts, contexts) / self._ridge)
        for column, action in enumerate(actions):
            arm = arm_id(action)
            if arm not in self._precision:
                deviations[:, column] = prior
                continue
            precision = self._precision[arm]
            if len(precision) != width:
                raise PolicyError(f"the policy has learned from {len(precision)} features and was given {width}")
            root = np.linalg.cholesky(precision)
            means[:, column] = contexts @ np.linalg.solve(precision, self._moment[arm])
            solved = np.linalg.solve(root, contexts.T)
            deviations[:, column] = self._scale * np.sqrt(np.einsum("dn,dn->n", solved, solved))
        return means, deviations

    def update(self, contexts: Contexts, selections: Selections[A], rewards: NDArray[np.float64]) -> None:
        """Add rewards (n,) to each chosen action's sufficient statistics."""
        width = contexts.shape[1]
        for column, action in enumerate(selections.actions):
            rows = selections.indices == column
            if not rows.any():
                continue
            arm, chosen = arm_id(action), contexts[rows]
            precision = self._precision.get(arm, self._ridge * np.eye(width))
            self._precision[arm] = precision + chosen.T @ chosen
            self._moment[arm] = self._moment.get(arm, np.zeros(width)) + chosen.T @ rewards[rows]

    def state(self) -> Mapping[str, Any]:
        """Sufficient statistics by arm id."""
        return {
            "precision": {arm: matrix.tolist() for arm, matrix in self._precision.items()},
            "moment": {arm: vector.tolist() for arm, vector in self._moment.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up sufficient statistics."""
        self._precision = {arm: np.array(matrix) for arm, matrix in state.get("precision", {}).items()}
        self._moment = {arm: np.array(vector) for arm, vector in state.get("moment", {}).items()}


def best_normal(means: NDArray[Any], deviations: NDArray[Any], eligible: Mask) -> NDArray[np.float32]:
    """(n, k) weights proportional to P(action has the largest value) for independent normals, by quadrature."""
    from scipy.special import ndtr

    # Single precision: the cells are far coarser than it, and the arithmetic is what costs.
    means = means.astype(np.float32, copy=False)
    deviations = np.maximum(deviations, 1e-6).astype(np.float32, copy=False)
    low = np.where(eligible, means - 4 * deviations, -np.inf).max(axis=1)
    high = np.where(eligible, means + 4 * deviations, -np.inf).max(axis=1)
    empty = ~eligible.any(axis=1)
    low = np.where(empty, 0.0, low).astype(np.float32)
    high = np.where(empty, 1.0, high).astype(np.float32)
    steps = np.linspace(0, 1, _NODES + 1, dtype=np.float32)
    grid = low[:, None] + (high - low)[:, None] * steps
    below = (grid[:, None, :] - means[:, :, None]) / deviations[:, :, None]
    ndtr(below, out=below)
    below[:, :, 0], below[:, :, -1] = 0.0, 1.0
    below[~eligible] = 1.0
    middle = (below[:, :, 1:] + below[:, :, :-1]) * np.float32(0.5)
    # P_i = sum over cells of dF_i * prod_{j != i} F_j, with the product of all divided by F_i.
    product = np.prod(middle, axis=1)
    ratio = np.diff(below, axis=2) / np.maximum(middle, np.float32(1e-30))
    found: NDArray[np.float32] = np.einsum("nkg,ng->nk", ratio, product)
    return found
