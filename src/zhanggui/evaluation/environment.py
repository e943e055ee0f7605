"""Dialogues as a Markov decision process, many at once: what a simulator shows to whoever acts in it, and what an act earns.

Arrays of n dialogues, f features, a acts. Knows no catalogue, no sentence and no optimiser.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """The state of each dialogue, as far as it is seen."""

    features: NDArray[np.float32]
    """(n, f)"""
    legal: NDArray[np.bool_]
    """(n, a) acts that may be chosen; at least one a row."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """What one act in each dialogue led to."""

    rewards: NDArray[np.float32]
    """(n,)"""
    ended: NDArray[np.bool_]
    """(n,) true where the dialogue is over: nothing more can be earned."""
    cut_off: NDArray[np.bool_]
    """(n,) true where a dialogue that would go on is no longer watched: what it would still earn is unknown, not 0."""
    reached: Observation
    """The states that the acts led to, before another dialogue begins in rows that were cut off; of rows that ended it says
    nothing."""


class Environment(Protocol):
    """Dialogues with simulated customers; in a row whose dialogue ended or was cut off another one begins by itself."""

    def observe(self) -> Observation:
        """The states to act in now."""
        ...

    def step(self, acts: NDArray[np.int64]) -> Step:
        """Do one legal act (n,) in each dialogue."""
        ...
