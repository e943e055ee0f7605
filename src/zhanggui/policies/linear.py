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
_CELLS = 50_000  # (rows x actions) held at a time: they stay in the processor's cache


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
        step = max(1, _CELLS // max(1, eligible.shape[1]))
        for start in range(0, len(contexts), step):
            rows = slice(start, start + step)
            best[rows] = best_normal(means[rows], deviations[rows], eligible[rows])
        return draw(actions, best, eligible=eligible, uniforms=uniforms, exploration=self._exploration)

    def posterior(self, contexts: Contexts, actions: Sequence[A]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation (n, k) of each action's expected reward."""
        arms = [arm_id(action) for action in actions]
        width = contexts.shape[1]
        # x' A^-1 x = |L^-1 x|^2 with A = L L'; every arm's inverse root is one block of a single product.
        roots = np.tile(np.eye(width) / np.sqrt(self._ridge), (len(arms), 1, 1))
        weights = np.zeros((len(arms), width))
        for row, arm in enumerate(arms):
            if arm not in self._precision:
                continue
            precision = self._precision[arm]
            if len(precision) != width:
                raise PolicyError(f"the policy has learned from {len(precision)} features and was given {width}")
            roots[row] = np.linalg.inv(np.linalg.cholesky(precision))
            weights[row] = roots[row].T @ (roots[row] @ self._moment[arm])
        given = contexts.astype(np.float32)
        means = given @ weights.T.astype(np.float32)
        deviations = np.empty_like(means)
        flat = roots.reshape(-1, width).T.astype(np.float32)
        step = max(1, _CELLS // max(1, len(flat.T)))
        for start in range(0, len(given), step):
            solved = (given[start : start + step] @ flat).reshape(-1, len(arms), width)
            np.einsum("nkd,nkd->nk", solved, solved, out=deviations[start : start + step])
        np.sqrt(deviations, out=deviations)
        deviations *= np.float32(self._scale)
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
    """(n, k) weights proportional to P(action has the largest value) for independent normals, by quadrature.

    P_i = sum over cells of dF_i * prod_{j != i} F_j, in single precision and with the tanh form of the normal
    distribution function (Page 1977, error below 2e-4): whatever its error, a choice is drawn with these very weights.
    """
    # Actions by rows: each pass below runs along customers, and the product over actions is elementwise.
    inverse = np.where(eligible, 1 / np.maximum(deviations, 1e-6), 0.0).T.astype(np.float32)
    # An action that may not be chosen lies below every node: its distribution function is 1.
    offset = np.where(eligible.T, means.T.astype(np.float32) * inverse, np.float32(-20))
    low = np.where(eligible, means - 4 * deviations, -np.inf).max(axis=1)
    high = np.where(eligible, means + 4 * deviations, -np.inf).max(axis=1)
    empty = ~eligible.any(axis=1)
    low, high = np.where(empty, 0.0, low), np.where(empty, 1.0, high)
    found, cell, ratio = (np.zeros_like(offset) for _ in range(3))
    # F = (1 + t) / 2. Below the first node nothing is; the last node is above everything.
    before = np.where(eligible.T, np.float32(-1), np.float32(1))
    after = np.empty_like(offset)
    for node in range(1, _NODES + 1):
        if node < _NODES:
            _tanh_form(
                (low + (high - low) * (node / _NODES)).astype(np.float32), inverse, offset, out=after, spare=cell
            )
        else:
            after.fill(1)
        np.add(before, after, out=cell)
        cell *= np.float32(0.25)
        cell += np.float32(0.5)
        np.maximum(cell, np.float32(1e-9), out=cell)
        np.subtract(after, before, out=ratio)
        ratio /= cell
        ratio *= np.multiply.reduce(cell, axis=0)
        found += ratio
        before, after = after, before
    return found.T


def _tanh_form(
    node: NDArray[np.float32],
    inverse: NDArray[np.float32],
    offset: NDArray[np.float32],
    *,
    out: NDArray[np.float32],
    spare: NDArray[np.float32],
) -> None:
    """2 F(node) - 1 of every action (k, n) at its customer's node (n,), into `out`."""
    np.multiply(node, inverse, out=out)
    out -= offset
    np.multiply(out, out, out=spare)
    spare *= np.float32(0.044715 * 0.7978845608)
    spare += np.float32(0.7978845608)
    out *= spare
    np.tanh(out, out=out)
