"""Dialogues of a few states, whose every expectation can be computed: what learners are held against."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.environment import Observation, Step


@dataclass(kw_only=True)
class FiniteDialogues:
    """n dialogues; a state is seen as a one-hot row. Begins in state 0."""

    moves: NDArray[np.float64]
    """(S, A, S) probabilities; what is missing to 1 ends the dialogue."""
    rewards: NDArray[np.float64]
    """(S, A)"""
    legal: NDArray[np.bool_]
    """(S, A)"""
    n: int
    patience: int = 10**9
    """Steps after which a dialogue is cut off."""
    seed: int = 0
    chosen: list[tuple[int, int]] = field(default_factory=list)
    """Every (state, act) so far."""

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._states, self._steps = np.zeros(self.n, dtype=np.int64), np.zeros(self.n, dtype=np.int64)

    def observe(self) -> Observation:
        return self._seen(self._states)

    def step(self, acts: NDArray[np.int64]) -> Step:
        self.chosen += zip(self._states.tolist(), acts.tolist(), strict=True)
        rewards = self.rewards[self._states, acts]
        cumulative = self.moves[self._states, acts].cumsum(axis=1)
        reached = (cumulative <= self._rng.random(self.n)[:, None]).sum(axis=1)
        ended = reached == len(self.moves)
        reached = np.where(ended, self._states, reached)
        self._steps += 1
        cut_off = (self._steps >= self.patience) & ~ended
        over = ended | cut_off
        self._states, self._steps = np.where(over, 0, reached), np.where(over, 0, self._steps)
        return Step(rewards=rewards.astype(np.float32), ended=ended, cut_off=cut_off, reached=self._seen(reached))

    def _seen(self, states: NDArray[np.int64]) -> Observation:
        features = np.eye(len(self.moves), dtype=np.float32)[states]
        return Observation(features=features, legal=self.legal[states])


def optimal_values(dialogues: FiniteDialogues, discount: float) -> NDArray[np.float64]:
    """(S,) what the best policy earns from each state, by value iteration."""
    values = np.zeros(len(dialogues.moves))
    for _ in range(2_000):
        earned = dialogues.rewards + discount * dialogues.moves @ values
        values = np.where(dialogues.legal, earned, -np.inf).max(axis=1)
    return values


def policy_values(dialogues: FiniteDialogues, policy: NDArray[np.float64], discount: float) -> NDArray[np.float64]:
    """(S,) what a policy (S, A) earns from each state: V = (1 - discount P)^-1 r."""
    moves = np.einsum("sa,sat->st", policy, dialogues.moves)
    return np.linalg.solve(np.eye(len(moves)) - discount * moves, (policy * dialogues.rewards).sum(axis=1))
