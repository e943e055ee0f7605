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

from zhanggui.conversation.belief import likeliest, value_entropies, values_held

ACTIONS = 14
"""Actions of the system within a dialogue of 15 turns, of which the customer had the first."""
FAILED = 15
"""The action number of a dialogue in which no action succeeded."""
RANKED = 10
"""How many attributes of highest entropy compete for a question."""
ASKED = 2
"""How many attributes of one aspect a question names at most."""
RECOMMEND = 0
"""The act of recommending items; any other act k asks the k-th best question."""
Chance = float | NDArray[np.float64]


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
    asked: NDArray[np.bool_]
    """(E, V) attributes that were asked about or opened with, answered or not."""
    refused: NDArray[np.bool_]
    """(E, N) items shown in vain."""
    pool: NDArray[np.bool_]
    """(E, N) items that every answer allows: those of any attribute accepted in a turn, of none rejected."""
    actions_left: NDArray[np.int64]
    """(E,) this one included."""


Policy = Callable[[World, State, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.int64]]]
"""Answers probabilities of the items (E, N), from which questions and recommendation follow, and acts (E,): RECOMMEND, or
k to ask the k-th best question of `choose_questions`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """How each dialogue ended."""

    action: NDArray[np.int64]
    """(E,) number of the action that succeeded, from 1; 15 where none did."""
    rank: NDArray[np.int64]
    """(E,) the target's place in the successful list, from 1; 0 where there was none."""


class Dialogues:
    """Dialogues as they stand; each row may begin anew. `wrong`, `unsure`: chances of a flipped answer, of "don't know"."""

    def __init__(
        self, world: World, wishes: Wishes, *, wrong: Chance, unsure: Chance, rng: np.random.Generator
    ) -> None:
        count, (items, attributes) = len(wishes.targets), world.holds.shape
        self.world, self._rng = world, rng
        self.targets, self.scores = wishes.targets.copy(), wishes.scores.copy()
        self._wrong, self._unsure = (np.broadcast_to(chance, count).copy() for chance in (wrong, unsure))
        self._liked, self._accepted, self._rejected, self.asked = np.zeros((4, count, attributes), dtype=np.bool_)
        self._opened, self._pool, self._refused = np.zeros((3, count, items), dtype=np.bool_)
        self.actions = np.zeros(count, dtype=np.int64)
        self.begin(np.arange(count), wishes, wrong=wrong, unsure=unsure)

    def begin(self, rows: NDArray[np.int64], wishes: Wishes, *, wrong: Chance, unsure: Chance) -> None:
        """Let other customers open the dialogues of these rows."""
        self.targets[rows], self.scores[rows] = wishes.targets, wishes.scores
        self._wrong[rows], self._unsure[rows] = wrong, unsure
        self._liked[rows] = sum(self.world.holds[target].toarray() for target in wishes.targets.T) > 0
        self._accepted[rows] = self._rejected[rows] = self._refused[rows] = False
        self._accepted[rows, wishes.opening] = True
        self.asked[rows] = self._accepted[rows]
        self._opened[rows] = self._pool[rows] = having(self.world, self._accepted[rows])
        self.actions[rows] = 0

    def state(self, rows: NDArray[np.int64]) -> State:
        """What the system knows of these dialogues."""
        return State(
            scores=self.scores[rows],
            opened=self._opened[rows],
            accepted=self._accepted[rows],
            rejected=self._rejected[rows],
            asked=self.asked[rows],
            refused=self._refused[rows],
            pool=self._pool[rows],
            actions_left=ACTIONS - self.actions[rows],
        )

    def show(self, rows: NDArray[np.int64], lists: NDArray[np.int64]) -> NDArray[np.int64]:
        """Recommend a list in each row; the place of a target in it, 0 where it is in vain."""
        self.actions[rows] += 1
        self._refused[rows[:, None], lists] = True
        self._pool[rows] = _unless_empty(self._pool[rows] & ~self._refused[rows], self._pool[rows])
        return place_of_target(lists, self.targets[rows])

    def ask(self, rows: NDArray[np.int64], question: NDArray[np.bool_]) -> None:
        """Ask about the marked attributes (rows, V)."""
        self.actions[rows] += 1
        self.asked[rows] |= question
        which, values = np.nonzero(question)
        asked = rows[which]
        answered = self._rng.random(len(asked)) >= self._unsure[asked]
        yes = self._liked[asked, values] ^ (self._rng.random(len(asked)) < self._wrong[asked])
        accepted, rejected = np.zeros((2, *question.shape), dtype=np.bool_)
        accepted[which, values], rejected[which, values] = answered & yes, answered & ~yes
        self._accepted[rows] |= accepted
        self._rejected[rows] |= rejected
        self._pool[rows] = narrow(self.world, self._pool[rows], accepted, rejected)


def simulate(
    world: World, wishes: Wishes, policy: Policy, *, wrong: float, unsure: float, rng: np.random.Generator
) -> Outcome:
    """Hold every dialogue to its end; an answer is flipped with probability `wrong`, "don't know" with `unsure`."""
    dialogues = Dialogues(world, wishes, wrong=wrong, unsure=unsure, rng=rng)
    action, rank = np.full(len(wishes.targets), FAILED), np.zeros(len(wishes.targets), dtype=np.int64)
    for number in range(1, ACTIONS + 1):
        still_open = np.flatnonzero(action == FAILED)
        if not len(still_open):
            break
        state = dialogues.state(still_open)
        probabilities, acts = policy(world, state, rng)
        entropies = value_entropies(probabilities, world.holds)
        questions = choose_questions(world, entropies, state.asked, count=int(acts.max(initial=1)))
        question = questions[np.arange(len(acts)), np.maximum(acts, 1) - 1]
        recommends = (acts == RECOMMEND) | ~question.any(axis=1)
        shown = still_open[recommends]
        place = dialogues.show(shown, likeliest(probabilities[recommends]))
        action[shown[place > 0]], rank[shown] = number, place
        dialogues.ask(still_open[~recommends], question[~recommends])
    return Outcome(action=action, rank=rank)


def choose_questions(
    world: World, entropies: NDArray[np.floating], asked: NDArray[np.bool_], *, count: int = 1
) -> NDArray[np.bool_]:
    """Mark the attributes of the `count` best questions: (E, count, V), none where no open attribute tells anything.

    `entropies` (E, V): what each attribute would tell. Of the ten open attributes of highest entropy, the aspect with the largest sum of 1/rank is best, the aspect with the
    next largest second; of an aspect the best two attributes are asked.
    """
    told = np.where(asked, 0, entropies)
    best = np.argpartition(-told, min(RANKED, told.shape[1] - 1), axis=1)[:, :RANKED]
    rows = np.arange(len(told))[:, None]
    best = np.take_along_axis(best, np.argsort(-told[rows, best], axis=1, kind="stable"), axis=1)
    worth = (told[rows, best] > 1e-9) / np.arange(1, best.shape[1] + 1)
    points = np.einsum("er,erg->eg", worth, world.aspects[best])
    questions = np.zeros((len(told), count, told.shape[1]), dtype=np.bool_)
    for place, aspect in enumerate(np.argsort(-points, axis=1, kind="stable")[:, :count].T):
        of_aspect = world.aspects[best, aspect[:, None]] & (worth > 0)
        chosen = of_aspect & (of_aspect.cumsum(axis=1) <= ASKED)
        questions[np.nonzero(chosen)[0], place, best[chosen]] = True
    return questions


def narrow(
    world: World, pool: NDArray[np.bool_], accepted: NDArray[np.bool_], rejected: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Keep the items (E, N) with any attribute accepted in this turn and none rejected; a pool never empties."""
    none_accepted = ~accepted.any(axis=1, keepdims=True)
    return _unless_empty(pool & (having(world, accepted) | none_accepted) & ~having(world, rejected), pool)


def having(world: World, attributes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the items with any of the attributes (E, V): (E, N)."""
    return values_held(world.holds, attributes) > 0


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
    """The mean of `gains`."""
    return float(gains(outcome).mean())


def gains(outcome: Outcome) -> NDArray[np.float64]:
    """hDCG@(15,10) of each dialogue, (E,): 1/log2(t+3) + (1/log2(t+2) - 1/log2(t+3)) / log2(rank+1), t the action from 0.

    Failures are 0.
    """
    turn, rank = outcome.action - 1.0, np.maximum(outcome.rank, 1)
    later, now = 1 / np.log2(turn + 3), 1 / np.log2(turn + 2)
    return np.asarray(np.where(outcome.rank > 0, later + (now - later) / np.log2(rank + 1), 0.0))
