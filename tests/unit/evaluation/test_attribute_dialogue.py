"""A world made up by hand: every item has attribute 0; the item's number in binary says which of the next eight it has."""

import math

import numpy as np
import pytest
from scipy import sparse

from zhanggui.conversation.belief import believe, time_to_recommend, value_entropies
from zhanggui.evaluation.attribute_dialogue import (
    ACTIONS,
    FAILED,
    RECOMMEND,
    Outcome,
    State,
    Wishes,
    World,
    average_turns,
    choose_questions,
    hdcg,
    narrow,
    place_of_target,
    simulate,
    success_rate,
)

ITEMS, BITS = 256, 8
HOLDS = np.hstack([np.ones((ITEMS, 1)), (np.arange(ITEMS)[:, None] >> np.arange(BITS)) & 1])
WORLD = World(holds=sparse.csr_array(HOLDS), aspects=np.arange(5) == np.array([0, 1, 1, 2, 2, 3, 3, 4, 4])[:, None])
IN_ORDER = -np.arange(ITEMS) * 1e-3
"""Scores that put item 0 first, item 255 last."""


def always(world: World, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    weights = np.exp(state.scores) * state.pool
    return weights / weights.sum(axis=1, keepdims=True), np.zeros(len(weights), dtype=np.int64)


def never(world: World, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    weights = state.pool.astype(float)
    return weights / weights.sum(axis=1, keepdims=True), np.ones(len(weights), dtype=np.int64)


def belief(world: World, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    beliefs = believe(
        state.scores, world.holds, accepted=state.accepted, rejected=state.rejected, refused=state.refused
    )
    return beliefs, np.where(time_to_recommend(beliefs, state.actions_left), RECOMMEND, 1)


def talk(policy, targets, *, wrong: float = 0.0, unsure: float = 0.0, seed: int = 0) -> Outcome:
    targets = np.array(targets)
    wishes = Wishes(
        targets=targets, opening=np.zeros(len(targets), dtype=np.int64), scores=np.tile(IN_ORDER, (len(targets), 1))
    )
    return simulate(WORLD, wishes, policy, wrong=wrong, unsure=unsure, rng=np.random.default_rng(seed))


def test_the_opening_is_turn_1_so_that_fourteen_lists_of_ten_are_shown_and_no_more() -> None:
    outcome = talk(always, [[0, 0], [9, 9], [10, 10], [139, 139], [140, 140]])
    assert outcome.action.tolist() == [1, 1, 2, ACTIONS, FAILED]
    assert outcome.rank.tolist() == [1, 10, 1, 10, 0]


def test_success_within_fifteen_is_success_within_the_fourteen_actions() -> None:
    outcome = talk(always, [[0, 0], [60, 60], [139, 139], [140, 140]])
    assert [success_rate(outcome, within) for within in (5, 10, 14, 15)] == [0.25, 0.5, 0.75, 0.75]
    assert average_turns(outcome) == (1 + 7 + 14 + 15) / 4


def test_either_target_is_a_success_and_the_first_named_gives_the_rank() -> None:
    assert talk(always, [[200, 15]]).action.tolist() == [2]
    lists = np.array([[7, 8, 9], [7, 8, 9]])
    assert place_of_target(lists, np.array([[9, 7], [5, 8]])).tolist() == [3, 2]
    assert place_of_target(lists[:1], np.array([[1, 2]])).tolist() == [0]


def test_hdcg_is_the_published_formula() -> None:
    outcome = Outcome(action=np.array([1, 3, 15]), rank=np.array([1, 4, 0]))
    first = 1.0  # t = 0, rank 1: 1/log2(3) + (1 - 1/log2(3)) / 1
    third = 1 / math.log2(5) + (1 / math.log2(4) - 1 / math.log2(5)) / math.log2(5)
    assert hdcg(outcome) == pytest.approx((first + third + 0) / 3)


def test_a_question_names_two_attributes_of_the_aspect_with_the_best_ranks() -> None:
    probabilities = np.full((1, ITEMS), 0.0)
    probabilities[0, [0b00000001, 0b00000010, 0b00000000, 0b00000011]] = [0.26, 0.26, 0.24, 0.24]
    nothing_asked = np.zeros((1, 9), dtype=bool)
    assert np.flatnonzero(
        choose_questions(WORLD, value_entropies(probabilities, WORLD.holds), nothing_asked)[0, 0]
    ).tolist() == [1, 2]
    asked = nothing_asked.copy()
    asked[0, 1] = True
    assert np.flatnonzero(
        choose_questions(WORLD, value_entropies(probabilities, WORLD.holds), asked)[0, 0]
    ).tolist() == [2]


def test_what_tells_nothing_is_not_asked() -> None:
    certain = np.zeros((1, ITEMS))
    certain[0, 5] = 1.0
    assert not choose_questions(WORLD, value_entropies(certain, WORLD.holds), np.zeros((1, 9), dtype=bool)).any()


def test_accepted_attributes_unite_and_meet_the_pool_and_rejected_ones_remove() -> None:
    everything = np.ones((1, ITEMS), dtype=bool)
    accepted, rejected = np.zeros((1, 9), dtype=bool), np.zeros((1, 9), dtype=bool)
    accepted[0, [1, 2]] = True
    assert narrow(WORLD, everything, accepted, rejected).sum() == ITEMS * 3 // 4
    rejected[0, 3] = True
    assert narrow(WORLD, everything, accepted, rejected).sum() == ITEMS * 3 // 8
    rejected[0, 0] = True
    assert narrow(WORLD, everything, accepted, rejected).sum() == ITEMS


def test_one_who_only_asks_never_succeeds_until_nothing_is_left_to_ask() -> None:
    outcome = talk(never, [[0b01010101, 0b01010101]])
    assert outcome.action.tolist() == [BITS // 2 + 1]
    assert outcome.rank.tolist() == [1]


def test_an_answer_that_is_not_known_changes_nothing_and_is_not_asked_again() -> None:
    outcome = talk(never, [[0, 0], [139, 139]], unsure=1.0)
    assert outcome.action.tolist() == [BITS // 2 + 1, FAILED]


def test_wrong_answers_empty_the_pool_of_the_target_but_the_belief_comes_back() -> None:
    targets = np.random.default_rng(7).integers(0, ITEMS, 200)
    pool, beliefs = (talk(policy, np.c_[targets, targets], wrong=0.1, seed=3) for policy in (never, belief))
    assert success_rate(pool, 15) < 0.75
    assert success_rate(beliefs, 15) > 0.9
    assert success_rate(talk(belief, np.c_[targets, targets]), 15) == 1


def test_the_same_seed_holds_the_same_dialogues() -> None:
    once, again = (talk(belief, [[3, 9], [200, 100]], wrong=0.25, seed=5) for _ in range(2))
    assert once.action.tolist() == again.action.tolist()
    assert once.rank.tolist() == again.rank.tolist()
