"""A learned dialogue policy: networks that weigh what may be done, and the belief rule where they are in doubt.

They know questions by rank, the one that tells most first, so that they serve any catalogue. Numpy alone; learns nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation.act import FEATURES, DialogueAct
from zhanggui.conversation.belief import ENOUGH
from zhanggui.errors import PolicyError
from zhanggui.policies.draw import draw
from zhanggui.policies.network import Network
from zhanggui.policies.policy import Contexts, Mask, Selections

NAME = "dialogue"
"""Of the artifact."""
RECOMMEND = 0
"""The first act; the others are questions by rank."""
QUESTIONS = 5
"""So many may be chosen from."""
CONFIDENCE = 0.5
"""Where no act has so much of the networks' mean probability, the belief rule decides."""


def features(contexts: Contexts, eligible: Mask) -> tuple[NDArray[np.float32], Mask, NDArray[np.int64]]:
    """What the networks read (n, f), which of their acts are legal (n, 1 + QUESTIONS), and the action of each question.

    `contexts` are those of `conversation.act`; the last array (n, QUESTIONS) holds indices into the actions.
    """
    bits = np.where(eligible, contexts[:, FEATURES:], -np.inf)
    bits[:, RECOMMEND] = -np.inf
    order = np.argsort(-bits, axis=1, kind="stable")[:, :QUESTIONS]
    best = np.take_along_axis(bits, order, axis=1)
    missing = ((0, 0), (0, QUESTIONS - order.shape[1]))
    order, best = np.pad(order, missing), np.pad(best, missing, constant_values=-np.inf)
    may_ask = np.isfinite(best)
    legal = np.column_stack([eligible[:, RECOMMEND] | ~may_ask.any(axis=1), may_ask])
    read = np.column_stack([contexts[:, :FEATURES], np.where(may_ask, best, 0.0)])
    return read.astype(np.float32), legal, order


def belief_rule(read: NDArray[np.float32], legal: Mask) -> NDArray[np.int64]:
    """What `BeliefPolicy` does, in the networks' terms: RECOMMEND, or the first question (n,)."""
    shows = (read[:, 0] >= ENOUGH) | (read[:, 1] <= 0)
    return np.where((shows & legal[:, RECOMMEND]) | ~legal[:, 1], RECOMMEND, 1)


class LearnedPolicy:
    """A `DialoguePolicy`. Several networks, each learned with another seed, vote; `confidence` as CONFIDENCE."""

    def __init__(self, networks: Sequence[Network], *, confidence: float = CONFIDENCE) -> None:
        self._networks, self._confidence = tuple(networks), confidence

    @staticmethod
    def read(folder: Path) -> "LearnedPolicy":
        """The policy that `zhanggui train dialogue` left in an artifact's folder. Raises PolicyError."""
        files = sorted(folder.glob("network-*.npz"))
        if not files:
            raise PolicyError(f"{folder} holds no dialogue policy; make one with `zhanggui train dialogue`")
        networks = [Network.read(file) for file in files]
        if any(network.reads != FEATURES + QUESTIONS or network.weighs != 1 + QUESTIONS for network in networks):
            raise PolicyError(f"{folder} was learned by another version of Zhanggui; train the policy again")
        return LearnedPolicy(networks)

    def probabilities(self, read: NDArray[np.float32], legal: Mask) -> NDArray[np.float64]:
        """(n, 1 + QUESTIONS) with which each act is drawn: the networks' mean, or all for the belief rule's act in doubt."""
        shares = np.mean([network.probabilities(read, legal) for network in self._networks], axis=0)
        in_doubt = np.flatnonzero(shares.max(axis=1) < self._confidence)
        shares[in_doubt] = 0.0
        shares[in_doubt, belief_rule(read[in_doubt], legal[in_doubt])] = 1.0
        return np.asarray(shares)

    def select(
        self, contexts: Contexts, actions: Sequence[DialogueAct], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[DialogueAct]:
        """One act a row, drawn by `probabilities`. `actions` as for `BeliefPolicy`: RECOMMEND first, then questions."""
        read, legal, order = features(contexts, eligible)
        shares = self.probabilities(read, legal)
        weights, rows = np.zeros(eligible.shape), np.arange(len(eligible))
        for place in range(QUESTIONS):
            weights[rows, order[:, place]] += shares[:, 1 + place]
        weights[:, RECOMMEND] = shares[:, RECOMMEND]
        return draw(actions, weights, eligible=eligible, uniforms=uniforms)

    def update(self, contexts: Contexts, selections: Selections[DialogueAct], rewards: NDArray[np.float64]) -> None:
        """Nothing: it learns in simulated dialogues, as a job."""

    def state(self) -> Mapping[str, Any]:
        """Nothing: what was learned is its artifact."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to take up."""
