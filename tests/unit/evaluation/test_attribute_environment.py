"""Every item has attribute 0; the item's number in binary says which of the next eight it has."""

import numpy as np
import pytest
from scipy import sparse

from zhanggui.conversation.belief import time_to_recommend
from zhanggui.evaluation.attribute_dialogue import ACTIONS, RECOMMEND, Wishes, World, gains, simulate
from zhanggui.evaluation.attribute_environment import A_TURN, QUESTIONS, AttributeEnvironment, belief_rule, look

ITEMS = 256
HOLDS = np.hstack([np.ones((ITEMS, 1)), (np.arange(ITEMS)[:, None] >> np.arange(8)) & 1])
WORLD = World(holds=sparse.csr_array(HOLDS), aspects=np.arange(5) == np.array([0, 1, 1, 2, 2, 3, 3, 4, 4])[:, None])


def wishes(*targets: int) -> Wishes:
    return Wishes(
        targets=np.array(targets)[:, None],
        opening=np.zeros(len(targets), dtype=np.int64),
        scores=np.tile(-np.arange(ITEMS) * 1e-3, (len(targets), 1)),
    )


def environment(*targets: int, wrong: float = 0.0, dialogues: int = 4) -> AttributeEnvironment:
    rng = np.random.default_rng(0)
    return AttributeEnvironment(WORLD, wishes(*targets), dialogues=dialogues, noise=[(wrong, 0.0)], rng=rng)


def test_a_dialogue_earns_its_hdcg_less_its_turns() -> None:
    targets = (3, 77, 130, 201, 255)

    def rule(world, state, rng):
        sight = look(world, state)
        return sight.beliefs, belief_rule(sight.observation)

    outcome = simulate(WORLD, wishes(*targets), rule, wrong=0.0, unsure=0.0, rng=np.random.default_rng(0))
    due = {round(float(worth), 4) for worth in gains(outcome) - outcome.action * A_TURN}
    dialogues, earned, seen = environment(*targets), np.zeros(4), set()
    for _ in range(60):
        step = dialogues.step(belief_rule(dialogues.observe()))
        earned += step.rewards
        seen |= {round(float(worth), 4) for worth in earned[step.ended]}
        earned[step.ended] = 0.0
        assert not step.cut_off.any()
    assert seen == due


def test_fourteen_lists_in_vain_cost_fifteen_turns_and_end_a_dialogue() -> None:
    dialogues, shows = environment(255, dialogues=1), np.array([RECOMMEND])
    steps = [dialogues.step(shows) for _ in range(ACTIONS)]
    assert [bool(step.ended[0]) for step in steps] == [False] * (ACTIONS - 1) + [True]
    assert sum(float(step.rewards[0]) for step in steps) == pytest.approx(-15 * A_TURN)
    begun = dialogues.step(shows)
    assert not begun.ended[0], "another dialogue begins by itself"


def test_what_is_seen_is_enough_for_the_belief_rule() -> None:
    dialogues = environment(*range(0, 256, 5), wrong=0.2, dialogues=32)
    rng = np.random.default_rng(1)
    for _ in range(40):
        sight = dialogues._sight
        left = ACTIONS - dialogues._dialogues.actions
        due = time_to_recommend(sight.beliefs, left) | ~sight.questions[:, 0].any(axis=1)
        assert (belief_rule(sight.observation) == np.where(due, RECOMMEND, 1)).all()
        legal = sight.observation.legal
        assert legal[:, RECOMMEND].all()
        dialogues.step((rng.random(legal.shape) * legal).argmax(axis=1))


def test_each_question_is_another_aspect_and_one_that_tells_nothing_is_not_legal() -> None:
    dialogues = environment(5)
    sight = dialogues._sight
    aspects = [{int(WORLD.aspects[value].argmax()) for value in np.flatnonzero(sight.questions[0, place])} for place in range(QUESTIONS)]  # fmt: skip
    assert len(set().union(*aspects)) == QUESTIONS
    for _ in range(4):  # of four aspects
        assert dialogues.observe().legal[0, 1]
        dialogues.step(np.ones(4, dtype=np.int64))
    assert dialogues.observe().legal.tolist() == [[True, False, False, False]] * 4


def test_answers_that_fit_no_likely_item_are_suspected() -> None:
    suspicion = {}
    for wrong in (0.0, 0.5):
        either = wishes(*[0, 255] * 10)
        either.scores[:, 1:255] = -100.0
        rng = np.random.default_rng(0)
        dialogues = AttributeEnvironment(WORLD, either, dialogues=64, noise=[(wrong, 0.0)], rng=rng)
        for _ in range(2):
            dialogues.step(np.ones(64, dtype=np.int64))
        suspicion[wrong] = dialogues.observe().features[:, -2].mean()
    assert suspicion[0.5] > 1.5 * suspicion[0.0]
