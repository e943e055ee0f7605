"""Choice among actions under uncertainty: the protocol. Pure maths; knows no customer, offer or channel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

A = TypeVar("A")
Contexts = NDArray[np.float64]
"""(n, d) features, one row a choice."""
Mask = NDArray[np.bool_]
"""(n, k) true where action k may be chosen in row n."""


@dataclass(frozen=True, kw_only=True)
class Selection(Generic[A]):
    """One choice: the action, its index, and the propensity with which it was drawn."""

    action: A
    index: int
    propensity: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Selections(Sequence[Selection[A]]):
    """Many choices as columns; reads as a sequence of `Selection`.

    `indices`: (n,) int64 into `actions`, -1 where nothing was eligible (propensity 1, nothing to choose).
    `propensities`: (n,) float64 in (0, 1]: the probability of the drawn action under the very distribution
    that it was drawn from.
    """

    actions: Sequence[A]
    indices: NDArray[np.int64]
    propensities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, row: int) -> Selection[A]: ...
    @overload
    def __getitem__(self, row: slice) -> "Selections[A]": ...
    def __getitem__(self, row: int | slice) -> "Selection[A] | Selections[A]":
        if isinstance(row, slice):
            return Selections(actions=self.actions, indices=self.indices[row], propensities=self.propensities[row])
        index = int(self.indices[row])
        if index < 0:
            raise IndexError(f"row {row} had no eligible action")
        return Selection(action=self.actions[index], index=index, propensity=float(self.propensities[row]))

    def __iter__(self) -> Iterator[Selection[A]]:
        return (self[row] for row in range(len(self)))


@runtime_checkable
class Policy(Protocol[A]):
    """A learned selector. It draws with the caller's uniform numbers, so that a choice depends on nothing else."""

    def select(
        self, contexts: Contexts, actions: Sequence[A], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[A]:
        """Choose one eligible action a row. `contexts` (n, d), `eligible` (n, k) with k = len(actions), `uniforms`
        (n,) in [0, 1)."""
        ...

    def update(self, contexts: Contexts, selections: Selections[A], rewards: NDArray[np.float64]) -> None:
        """Learn from rewards (n,) of earlier selections; rows with index -1 are skipped."""
        ...

    def state(self) -> Mapping[str, Any]:
        """What was learned, as JSON-able data, keyed by action id: arms may come and go between versions."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what an earlier version had learned."""
        ...
