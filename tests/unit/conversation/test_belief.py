"""A shop of four products: two red cups (one of glass), a blue cup, and a red scarf without a material."""

import numpy as np
import pytest
from scipy import sparse

from zhanggui.conversation.belief import (
    LAST,
    OTHERWISE,
    WRONG,
    aspect_entropies,
    believe,
    believe_in_doubt,
    likeliest,
    time_to_recommend,
    value_entropies,
)

RED, BLUE, GLASS, CLAY = range(4)
HOLDS = np.array(
    [
        [1, 0, 1, 0],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [1, 0, 0, 0],
    ],
    dtype=bool,
)
COLOUR_MATERIAL = np.array([0, 0, 1, 1])


def answers(*values: int) -> np.ndarray:
    marked = np.zeros((1, 4), dtype=bool)
    marked[0, list(values)] = True
    return marked


def belief(accepted=(), rejected=(), refused=(), scores=None, holds=HOLDS) -> np.ndarray:
    scores = np.zeros((1, 4)) if scores is None else scores
    return believe(scores, holds, accepted=answers(*accepted), rejected=answers(*rejected), refused=answers(*refused))


def test_before_the_first_answer_the_item_model_is_believed() -> None:
    assert belief() == pytest.approx(np.full((1, 4), 0.25))
    probabilities = np.array([[0.4, 0.3, 0.2, 0.1]])
    assert belief(scores=np.log(probabilities) + 5) == pytest.approx(probabilities)


def test_an_accepted_value_leaves_products_without_it_a_tenth() -> None:
    assert belief(accepted=[RED])[0] == pytest.approx(np.array([1, 1, 0.1, 1]) / 3.1)


def test_a_rejected_value_leaves_products_with_it_a_tenth() -> None:
    assert belief(rejected=[RED])[0] == pytest.approx(np.array([0.1, 0.1, 1, 0.1]) / 1.3)


def test_answers_multiply() -> None:
    weights = np.array([0.1, 1, 0.1, 0.1])
    assert belief(accepted=[RED, CLAY])[0] == pytest.approx(weights / weights.sum())


def test_a_product_shown_in_vain_is_out_until_nothing_else_is_left() -> None:
    assert belief(refused=[0, 1])[0] == pytest.approx([0, 0, 0.5, 0.5])
    assert belief(accepted=[BLUE], refused=[0, 1, 2, 3]) == pytest.approx(belief(accepted=[BLUE]))


def test_a_thousand_contradictions_are_still_numbers() -> None:
    holds = np.zeros((2, 1000), dtype=bool)
    everything, nothing = np.ones((1, 1000), dtype=bool), np.zeros((1, 1000), dtype=bool)
    weighed = believe(np.zeros((1, 2)), holds, accepted=everything, rejected=nothing, refused=nothing[:, :2])
    assert weighed == pytest.approx(np.full((1, 2), 0.5))


def test_conversations_do_not_mix_and_a_sparse_shop_is_the_same_shop() -> None:
    accepted, rejected = np.vstack([answers(RED), answers()]), np.vstack([answers(), answers(CLAY)])
    refused = np.vstack([answers(), answers(3)])
    together = believe(np.zeros((2, 4)), HOLDS, accepted=accepted, rejected=rejected, refused=refused)
    apart = np.vstack([belief(accepted=[RED]), belief(rejected=[CLAY], refused=[3])])
    assert together == pytest.approx(apart)
    thin = believe(np.zeros((2, 4)), sparse.csr_array(HOLDS), accepted=accepted, rejected=rejected, refused=refused)
    assert thin == pytest.approx(apart)
    assert value_entropies(apart, sparse.csr_array(HOLDS)) == pytest.approx(value_entropies(apart, HOLDS))


def test_a_value_that_halves_the_belief_tells_one_bit_and_one_that_all_have_tells_nothing() -> None:
    told = value_entropies(np.full((1, 4), 0.25), HOLDS)[0]
    assert told[CLAY] == pytest.approx(1)
    assert told[RED] == told[BLUE] == pytest.approx(0.8113, abs=1e-4)
    assert value_entropies(np.array([[0.5, 0.5, 0, 0]]), HOLDS)[0, RED] == 0


def test_the_aspect_whose_answer_is_least_certain_is_worth_asking() -> None:
    colour, material = aspect_entropies(np.full((1, 4), 0.25), HOLDS, COLOUR_MATERIAL)[0]
    assert colour == pytest.approx(0.8113, abs=1e-4)
    assert material == pytest.approx(1.5)  # clay 1/2, glass 1/4, without 1/4
    settled = aspect_entropies(np.array([[0, 0.5, 0.5, 0]]), HOLDS, COLOUR_MATERIAL)[0]
    assert settled == pytest.approx([1, 0])


def test_a_product_of_two_colours_counts_half_for_each() -> None:
    both = np.array([[True, True]])
    assert aspect_entropies(np.ones((1, 1)), both, np.array([0, 0])) == pytest.approx(np.array([[1.0]]))


def test_a_shop_without_aspects_has_nothing_to_ask() -> None:
    none = aspect_entropies(np.full((1, 3), 1 / 3), np.zeros((3, 0), dtype=bool), np.zeros(0, dtype=np.int64))
    assert none.shape == (1, 0)


def test_the_likeliest_come_first_and_a_tie_keeps_the_order_of_the_shop() -> None:
    assert likeliest(np.array([[0.2, 0.3, 0.2, 0.3]]), 3).tolist() == [[1, 3, 0]]


def test_products_are_shown_when_ten_hold_enough_or_patience_ends() -> None:
    wide, narrow = np.full(100, 0.01), np.r_[np.full(10, 0.03), np.full(90, 0.7 / 90)]
    shown = time_to_recommend(np.vstack([wide, narrow, wide, wide]), np.array([14, 14, LAST, LAST + 1]))
    assert shown.tolist() == [False, True, True, False]


def test_the_likeliest_of_many_are_those_of_a_whole_sort() -> None:
    rng = np.random.default_rng(0)
    belief = np.vstack([rng.random((20, 60)), rng.integers(0, 5, (20, 60))]).astype(np.float64)  # without and with ties
    for count in (1, 10, 59, 60, 99):
        assert (likeliest(belief, count) == np.argsort(-belief, axis=1, kind="stable")[:, :count]).all()


def test_an_answer_is_worth_less_the_more_the_answers_contradict_each_other() -> None:
    def doubted(accepted: tuple[int, ...], rejected: tuple[int, ...]) -> tuple[np.ndarray, float]:
        marks = {"accepted": answers(*accepted), "rejected": answers(*rejected), "refused": answers()}
        belief, wrong = believe_in_doubt(np.zeros((1, 4)), HOLDS, **marks)
        assert belief.sum() == pytest.approx(1)
        return belief[0], float(wrong[0])

    _, before = doubted((), ())
    assert before == pytest.approx(sum(WRONG) / 3)
    agreed, consistent = doubted((RED, GLASS), (BLUE, CLAY))  # the glass cup, each time
    _, contradictory = doubted((RED, BLUE), (GLASS, CLAY))  # of no cup
    assert consistent < before < contradictory
    assert agreed.argmax() == 0


def test_belief_in_doubt_is_bayes_rule() -> None:
    belief, wrong = believe_in_doubt(
        np.zeros((1, 4)), HOLDS, accepted=answers(RED), rejected=answers(CLAY), refused=answers(2)
    )
    joint = {}
    for product in (0, 1, 3):
        for share in WRONG:
            wants = {value: 1.0 if HOLDS[product, value] else OTHERWISE for value in (RED, CLAY)}
            yes = {value: want * (1 - share) + (1 - want) * share for value, want in wants.items()}
            joint[product, share] = yes[RED] * (1 - yes[CLAY])
    total = sum(joint.values())
    assert belief[0] == pytest.approx(
        [sum(joint.get((product, share), 0) for share in WRONG) / total for product in range(4)]
    )
    assert wrong[0] == pytest.approx(sum(share * part for (_, share), part in joint.items()) / total)
