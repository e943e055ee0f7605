"""Simulated dialogues of questions about attributes and of recommendations, many at once (multi-interest, multi-round).

The protocol of UNICORN (SIGIR 2021) and MCMIPL (WWW 2022). The customer has one or two target items in mind and opens
with an attribute of all of them, which is turn 1; the system has the turns 2 to 15. Knows no sentence and no shop.
E dialogues, N items, V attributes, G aspects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation.belief import likeliest, value_entropies

ACTIONS = 14
"""Actions of the system within a dialogue of 15 turns, of which the customer had the first."""
FAILED = 15
"""The action number of a dialogue in which no action succeeded."""
RANKED = 10
"""How many attributes of highest entropy compete for a question."""
ASKED = 2
"""How many attributes of one aspect a question names at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Items, their attributes and the aspects of each attribute."""

    holds: Any
    """(N, V) sparse, 1 where the item has the attribute."""
    aspects: NDArray[np.bool_]
    """(V, G) true where the attribute belongs to the aspect; it may belong to several, and to none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Wishes:
    """What the customers have in mind, and how the item model ranks the items for each of them."""

    targets: NDArray[np.int64]
    """(E, T) items; one target is written T times."""
    opening: NDArray[np.int64]
    """(E,) the attribute that each customer opens with: one that all targets have."""
    scores: NDArray[np.float64]
    """(E, N) logarithms of the item model's probabilities, up to a constant."""


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What the system knows of each dialogue before its action."""

    scores: NDArray[np.float64]
    """(E, N) as the item model gave them."""
    opened: NDArray[np.bool_]
    """(E, N) items with the attribute that the customer opened with: the one answer that is never wrong."""
    accepted: NDArray[np.bool_]
    """(E, V)"""
    rejected: NDArray[np.bool_]
    """(E, V)"""
    refused: NDArray[np.bool_]
    """(E, N) items shown in vain."""
    pool: NDArray[np.bool_]
    """(E, N) items that every answer allows: those of any attribute accepted in a turn, of none rejected."""
    actions_left: NDArray[np.int64]
    """(E,) this one included."""


Policy = Callable[[World, State, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""Answers probabilities of the items (E, N), from which question and recommendation follow, and (E,) true where items are
to be recommended instead of a question asked."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """How each dialogue ended."""

    action: NDArray[np.int64]
    """(E,) number of the action that succeeded, from 1; 15 where none did."""
    rank: NDArray[np.int64]
    """(E,) the target's place in the successful list, from 1; 0 where there was none."""


def simulate(
    world: World, wishes: Wishes, policy: Policy, *, wrong: float, unsure: float, rng: np.random.Generator
) -> Outcome:
    """Hold every dialogue to its end; an answer is flipped with probability `wrong`, "don't know" with `unsure`."""
    dialogues = np.arange(len(wishes.targets))
    liked = sum(world.holds[target].toarray() for target in wishes.targets.T) > 0
    accepted = np.zeros_like(liked)
    accepted[dialogues, wishes.opening] = True
    rejected, asked = np.zeros_like(liked), accepted.copy()
    opened = having(world, accepted)
    pool, refused = opened.copy(), np.zeros_like(opened)
    action, rank = np.full(len(dialogues), FAILED), np.zeros(len(dialogues), dtype=np.int64)
    for number in range(1, ACTIONS + 1):
        open_ones = np.flatnonzero(action == FAILED)
        if not len(open_ones):
            break
        state = State(
            scores=wishes.scores[open_ones],
            opened=opened[open_ones],
            accepted=accepted[open_ones],
            rejected=rejected[open_ones],
            refused=refused[open_ones],
            pool=pool[open_ones],
            actions_left=np.full(len(open_ones), ACTIONS + 1 - number),
        )
        probabilities, recommends = policy(world, state, rng)
        question = choose_question(world, probabilities, asked[open_ones])
        recommends |= ~question.any(axis=1)

        shown, lists = open_ones[recommends], likeliest(probabilities[recommends])
        place = place_of_target(lists, wishes.targets[shown])
        action[shown[place > 0]], rank[shown] = number, place
        refused[shown[:, None], lists] = True
        pool[shown] = _unless_empty(pool[shown] & ~refused[shown], pool[shown])

        told, question = open_ones[~recommends], question[~recommends]
        asked[told] |= question
        answered = question & (rng.random(question.shape) >= unsure)
        yes = answered & (liked[told] ^ (rng.random(question.shape) < wrong))
        accepted[told] |= yes
        rejected[told] |= answered & ~yes
        pool[told] = narrow(world, pool[told], yes, answered & ~yes)
    return Outcome(action=action, rank=rank)


def choose_question(world: World, probabilities: NDArray[np.float64], asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the attributes to ask about: (E, V), none where no open attribute tells anything.

    Of the ten open attributes of highest entropy, the aspect with the largest sum of 1/rank wins; its best two are asked.
    """
    told = np.where(asked, 0.0, value_entropies(probabilities, world.holds))
    best = np.argpartition(-told, min(RANKED, told.shape[1] - 1), axis=1)[:, :RANKED]
    rows = np.arange(len(told))[:, None]
    best = np.take_along_axis(best, np.argsort(-told[rows, best], axis=1, kind="stable"), axis=1)
    worth = (told[rows, best] > 1e-9) / np.arange(1, best.shape[1] + 1)
    points = np.einsum("er,erg->eg", worth, world.aspects[best])
    of_winner = world.aspects[best, points.argmax(axis=1)[:, None]] & (worth > 0)
    chosen = of_winner & (of_winner.cumsum(axis=1) <= ASKED)
    question = np.zeros_like(asked)
    question[np.nonzero(chosen)[0], best[chosen]] = True
    return question


def narrow(
    world: World, pool: NDArray[np.bool_], accepted: NDArray[np.bool_], rejected: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Keep the items (E, N) with any attribute accepted in this turn and none rejected; a pool never empties."""
    none_accepted = ~accepted.any(axis=1, keepdims=True)
    return _unless_empty(pool & (having(world, accepted) | none_accepted) & ~having(world, rejected), pool)


def having(world: World, attributes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the items with any of the attributes (E, V): (E, N)."""
    return np.asarray(attributes.astype(np.float64) @ world.holds.T) > 0


def place_of_target(lists: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say where in each list (E, 10) the first of the targets (E, T) stands that is in it, from 1: (E,), 0 for none."""
    matches = lists[:, None, :] == targets[:, :, None]
    first = matches.any(axis=2).argmax(axis=1)
    of_first = matches[np.arange(len(lists)), first]
    return np.where(of_first.any(axis=1), of_first.argmax(axis=1) + 1, 0)


def _unless_empty(pool: NDArray[np.bool_], before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.where(pool.any(axis=1, keepdims=True), pool, before)


def success_rate(outcome: Outcome, within: int) -> float:
    """SR@k: the share of dialogues that succeeded within `within` actions."""
    return float(((outcome.rank > 0) & (outcome.action <= within)).mean())


def average_turns(outcome: Outcome) -> float:
    """AT: the mean action number, failures as 15."""
    return float(outcome.action.mean())


def hdcg(outcome: Outcome) -> float:
    """hDCG@(15,10) = 1/log2(t+3) + (1/log2(t+2) - 1/log2(t+3)) / log2(rank+1), t the action from 0; failures are 0."""
    turn, rank = outcome.action - 1.0, np.maximum(outcome.rank, 1)
    later, now = 1 / np.log2(turn + 3), 1 / np.log2(turn + 2)
    return float(np.where(outcome.rank > 0, later + (now - later) / np.log2(rank + 1), 0.0).mean())
