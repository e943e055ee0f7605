"""What the assistant may do next, and the rule that chooses. Knows no sentence, search or store.

Answers, confirmations and hand-overs follow from what was heard; what is left to a policy is how to go on with a search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation import belief
from zhanggui.policies.draw import draw
from zhanggui.policies.policy import Contexts, Mask, Policy, Selections

ActName = Literal[
    "greet",
    "ask_aspect",
    "offer_choices",
    "recommend",
    "inform_none",
    "answer",
    "not_known",
    "check_out",
    "ask_proof",
    "ask_order",
    "ask_address",
    "ask_variant",
    "confirm",
    "done",
    "dropped",
    "correct",
    "notice",
    "decline",
    "clarify",
    "apologise",
    "small_talk",
    "hand_over",
    "wait",
    "close",
]


@dataclass(frozen=True, kw_only=True)
class DialogueAct:
    """One thing that the assistant does in a turn, with the facts that its sentence may name."""

    name: ActName
    about: str = ""
    """Which kind of it: the aspect that is asked for, what an answer is about, why something is declined."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able, found in the catalogue, the orders or the policy pages; nothing else may be said."""

    @property
    def action_id(self) -> str:
        """Stable id, by which a policy learns."""
        return f"{self.name}:{self.about}" if self.about else self.name


DialoguePolicy = Policy[DialogueAct]
"""A policy over dialogue acts; its contexts are those of `contexts`, its eligible acts those of `legal`."""

RECOMMEND = DialogueAct(name="recommend")
PATIENCE = 3
"""After so many questions in a row products are shown, whatever is known."""
FEATURES = 9
"""Numbers of a context that come before the entropies; see `contexts`."""


def contexts(
    beliefs: belief.Belief,
    questions_left: NDArray[np.int64],
    entropies: NDArray[np.float64],
    *,
    asked: NDArray[np.int64],
    refused: NDArray[np.int64],
    shown: NDArray[np.int64],
    turns: NDArray[np.int64],
) -> Contexts:
    """What a dialogue policy sees of n conversations: FEATURES numbers, then the bits that each act would tell (n, k).

    The share of the ten likeliest products and the questions that patience is left for, by which the rule decides; then the
    shares of the first and the first three, how many products are in question (a logarithm), aspects asked, aspects that the
    shopper has no wish about, products shown, and the number of the turn.
    """
    held = np.take_along_axis(beliefs, belief.likeliest(beliefs), axis=1).cumsum(axis=1)
    top = [held[:, min(count, held.shape[1]) - 1] for count in (belief.SHOWN, 1, 3)]
    open_ones = np.log10((beliefs > 0).sum(axis=1))
    return np.column_stack([top[0], questions_left, top[1], top[2], open_ones, asked, refused, shown, turns, entropies])


class BeliefPolicy:
    """The belief rule: recommend when ten products hold enough of the belief or patience ends, else ask what tells most."""

    def select(
        self, contexts: Contexts, actions: Sequence[DialogueAct], *, eligible: Mask, uniforms: NDArray[np.float64]
    ) -> Selections[DialogueAct]:
        """One act a row, with propensity 1. `actions`: RECOMMEND first, then questions, whose entropies the contexts hold."""
        shows = (contexts[:, 0] >= belief.ENOUGH) | (contexts[:, 1] <= 0)
        weights = np.zeros(eligible.shape)
        told = np.where(eligible, contexts[:, FEATURES:], -np.inf)
        told[:, 0] = -np.inf
        asks = np.isfinite(told).any(axis=1) & ~(shows & eligible[:, 0])
        chosen = np.where(asks, told.argmax(axis=1), 0)
        weights[np.arange(len(chosen)), chosen] = 1.0
        return draw(actions, weights, eligible=eligible, uniforms=uniforms)

    def update(self, contexts: Contexts, selections: Selections[DialogueAct], rewards: NDArray[np.float64]) -> None:
        """Nothing to learn: it is a rule."""

    def state(self) -> Mapping[str, Any]:
        """Nothing learned."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to take up."""
