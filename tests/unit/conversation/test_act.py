"""The belief rule as a policy over dialogue acts."""

import numpy as np
import pytest

from zhanggui.conversation.act import FEATURES, RECOMMEND, BeliefPolicy, DialogueAct, contexts
from zhanggui.policies.policy import Policy

ASKS = [RECOMMEND, DialogueAct(name="offer_choices", about="colour"), DialogueAct(name="offer_choices", about="size")]


def chosen(top: float, left: float, *bits: float, eligible: list[bool] | None = None) -> DialogueAct:
    seen = np.array([[top, left, *[0.0] * (FEATURES - 2), 0.0, *bits]])
    mask = np.array([eligible or [True] * len(ASKS)])
    return BeliefPolicy().select(seen, ASKS, eligible=mask, uniforms=np.array([0.5]))[0].action


def test_it_recommends_when_ten_products_hold_enough_or_patience_ends() -> None:
    assert chosen(0.3, 3, 1.0, 2.0) is RECOMMEND
    assert chosen(0.1, 0, 1.0, 2.0) is RECOMMEND


def test_else_it_asks_what_tells_most_among_what_may_be_asked() -> None:
    assert chosen(0.1, 3, 1.0, 2.0).about == "size"
    assert chosen(0.1, 3, 1.0, 2.0, eligible=[True, True, False]).about == "colour"
    assert chosen(0.1, 3, 1.0, 2.0, eligible=[True, False, False]) is RECOMMEND


def test_it_is_a_policy_and_its_choice_has_propensity_one() -> None:
    policy = BeliefPolicy()
    assert isinstance(policy, Policy)
    seen = np.array([[0.1, 3, *[0.0] * (FEATURES - 2), 0.0, 1.0, 2.0]] * 3)
    selections = policy.select(
        seen, ASKS, eligible=np.ones((3, 3), dtype=np.bool_), uniforms=np.array([0.0, 0.5, 0.999])
    )
    assert selections.propensities.tolist() == [1.0, 1.0, 1.0]
    policy.restore(policy.state())


def test_contexts_hold_the_share_of_the_ten_likeliest() -> None:
    beliefs = np.full((1, 40), 1 / 40)
    none = np.array([0])
    seen = contexts(
        beliefs, np.array([2]), np.array([[0.0, 1.5]]), asked=none, refused=none, shown=none, turns=np.array([1])
    )
    assert seen[0, [0, 2, 3]] == pytest.approx([0.25, 0.025, 0.075])
    assert seen[0, FEATURES:].tolist() == [0.0, 1.5]
