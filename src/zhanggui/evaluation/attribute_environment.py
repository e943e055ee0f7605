"""The published dialogues about attributes as an environment to learn in: what is seen of a belief, acts, and their worth.

An act recommends the likeliest items or asks one of the best questions. Knows no optimiser. Customers differ in how many of
their answers are wrong or missing, which is never seen. E dialogues, N items, V attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation.belief import ENOUGH, LAST, believe_in_doubt, likeliest, value_entropies
from zhanggui.evaluation.attribute_dialogue import (
    ACTIONS,
    ASKED,
    FAILED,
    RECOMMEND,
    Dialogues,
    Outcome,
    State,
    Wishes,
    World,
    choose_questions,
    gains,
)
from zhanggui.evaluation.environment import Observation, Step

QUESTIONS = 3
"""So many questions may be chosen from."""
TOPS = (1, 3, 10, 30)
"""The features begin with the belief that so many likeliest items hold, then come the actions left."""
_TEN, _LEFT = TOPS.index(10), len(TOPS)
A_TURN = 1 / FAILED
"""What each action costs, so that all turns together cost as much as the best success is worth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """A state as a policy sees it, and what its acts would be."""

    beliefs: NDArray[np.float64]
    """(E, N)"""
    questions: NDArray[np.bool_]
    """(E, QUESTIONS, V)"""
    observation: Observation


def look(world: World, state: State) -> Sight:
    """Compute belief, questions and features of each dialogue."""
    out = state.refused | ~state.opened
    beliefs, suspicion = believe_in_doubt(
        state.scores, world.holds, accepted=state.accepted, rejected=state.rejected, refused=out
    )
    bits = value_entropies(beliefs.astype(np.float32), world.holds)
    questions = choose_questions(world, bits, state.asked, count=QUESTIONS)
    told, (rows, places, values) = np.zeros(questions.shape[:2]), np.nonzero(questions)
    np.add.at(told, (rows, places), bits[rows, values] / ASKED)
    best = likeliest(beliefs, max(TOPS))
    held = np.take_along_axis(beliefs, best, axis=1).cumsum(axis=1)
    yes, no = state.accepted.sum(axis=1) - 1, state.rejected.sum(axis=1)
    features = np.column_stack(
        [
            *(held[:, min(top, held.shape[1]) - 1] for top in TOPS),
            state.actions_left / ACTIONS,
            told,
            yes / 10,
            no / 10,
            (state.asked.sum(axis=1) - 1 - yes - no) / 10,
            (state.refused.sum(axis=1)) / 100,
            suspicion,
            np.log10(state.opened.sum(axis=1)),
        ]
    )
    legal = np.column_stack([np.ones(len(beliefs), dtype=np.bool_), questions.any(axis=2)])
    return Sight(
        beliefs=beliefs,
        questions=questions,
        observation=Observation(features=features.astype(np.float32), legal=legal),
    )


def belief_rule(observation: Observation) -> NDArray[np.int64]:
    """What the belief rule does: it recommends when ten items hold enough or time ends, else asks the best question."""
    features = observation.features
    shows = (features[:, _TEN] >= ENOUGH) | (np.rint(features[:, _LEFT] * ACTIONS) <= LAST) | ~observation.legal[:, 1]
    return np.where(shows, RECOMMEND, 1)


class AttributeEnvironment:
    """Dialogues with customers drawn from `wishes`, each with one of the `noise` pairs (wrong, unsure)."""

    def __init__(
        self,
        world: World,
        wishes: Wishes,
        *,
        dialogues: int = 64,
        noise: Sequence[tuple[float, float]],
        rng: np.random.Generator,
    ) -> None:
        self._wishes, self._noise, self._rng = wishes, np.array(noise), rng
        drawn, wrong, unsure = self._draw(dialogues)
        self._dialogues = Dialogues(world, drawn, wrong=wrong, unsure=unsure, rng=rng)
        self._rows = np.arange(dialogues)
        self._sight = self._look()

    def observe(self) -> Observation:
        """The states to act in now."""
        return self._sight.observation

    def step(self, acts: NDArray[np.int64]) -> Step:
        """Recommend or ask in each dialogue. A success is worth its hDCG, each action costs; none is cut off."""
        shows, asks = self._rows[acts == RECOMMEND], self._rows[acts != RECOMMEND]
        place = np.zeros(len(acts), dtype=np.int64)
        place[shows] = self._dialogues.show(shows, likeliest(self._sight.beliefs[shows]))
        self._dialogues.ask(asks, self._sight.questions[asks, acts[asks] - 1])
        actions = self._dialogues.actions
        failed = (place == 0) & (actions >= ACTIONS)
        rewards = gains(Outcome(action=actions.copy(), rank=place)) - A_TURN * (1 + failed)
        ended = (place > 0) | failed
        over = np.flatnonzero(ended)
        if len(over):
            drawn, wrong, unsure = self._draw(len(over))
            self._dialogues.begin(over, drawn, wrong=wrong, unsure=unsure)
        self._sight = self._look()
        never = np.zeros(len(acts), dtype=np.bool_)
        return Step(rewards=rewards.astype(np.float32), ended=ended, cut_off=never, reached=self._sight.observation)

    def _look(self) -> Sight:
        return look(self._dialogues.world, self._dialogues.state(self._rows))

    def _draw(self, count: int) -> tuple[Wishes, NDArray[np.float64], NDArray[np.float64]]:
        """Customers, and how many of their answers are wrong and missing."""
        which = self._rng.integers(0, len(self._wishes.targets), count)
        drawn = Wishes(
            targets=self._wishes.targets[which],
            opening=self._wishes.opening[which],
            scores=self._wishes.scores[which],
        )
        wrong, unsure = self._noise[self._rng.integers(0, len(self._noise), count)].T
        return drawn, wrong, unsure
