"""A learned policy over dialogue acts, with networks written down by hand."""

from pathlib import Path

import numpy as np
import pytest

from zhanggui.conversation.act import FEATURES, RECOMMEND, DialogueAct
from zhanggui.conversation.learned_act import QUESTIONS, LearnedPolicy, features
from zhanggui.errors import PolicyError
from zhanggui.policies.network import Network
from zhanggui.policies.policy import Policy

ASKS = [RECOMMEND, *(DialogueAct(name="offer_choices", about=name) for name in ("colour", "size", "origin"))]


def network(*logits: float, features: int = FEATURES + QUESTIONS) -> Network:
    """Weighs acts by these numbers, whatever it reads."""
    return Network(
        center=np.zeros(features, dtype=np.float32),
        spread=np.ones(features, dtype=np.float32),
        weights=(np.zeros((len(logits), features), dtype=np.float32),),
        biases=(np.array(logits, dtype=np.float32),),
    )


def context(*bits: float, top: float = 0.1, left: float = 3) -> np.ndarray:
    return np.array([[top, left, *[0.0] * (FEATURES - 2), 0.0, *bits]])


def select(policy: LearnedPolicy, seen: np.ndarray, *, uniform: float = 0.5, eligible: list[bool] | None = None):
    mask = np.array([eligible or [True] * len(ASKS)])
    return policy.select(seen, ASKS, eligible=mask, uniforms=np.array([uniform]))[0]


def test_questions_are_known_by_rank_so_that_any_catalogue_will_do() -> None:
    second = LearnedPolicy([network(0, 0, 50, 0, 0, 0)])
    assert select(second, context(1.0, 3.0, 2.0)).action.about == "origin"
    assert select(second, context(2.0, 1.0, 3.0)).action.about == "colour"
    seen, legal, order = features(context(1.0, 3.0, 2.0), np.ones((1, 4), dtype=bool))
    assert seen[0, FEATURES:].tolist() == [3.0, 2.0, 1.0, 0.0, 0.0]
    assert legal.tolist() == [[True, True, True, True, False, False]]
    assert order[0, :3].tolist() == [2, 3, 1]


def test_of_many_questions_the_best_are_chosen_from() -> None:
    _, legal, order = features(context(*range(1, 9)), np.ones((1, 9), dtype=bool))
    assert legal.all()
    assert order.tolist() == [[8, 7, 6, 5, 4]]


def test_an_act_is_drawn_and_its_propensity_is_the_probability_that_it_was_drawn_with() -> None:
    policy = LearnedPolicy([network(np.log(3), 0, -99, -99, -99, -99)])
    shown, asked = (select(policy, context(1.0, 3.0, 2.0), uniform=uniform) for uniform in (0.7, 0.8))
    assert shown.action is RECOMMEND
    assert shown.propensity == pytest.approx(0.75)
    assert asked.action.about == "size"
    assert asked.propensity == pytest.approx(0.25)


def test_where_the_networks_disagree_the_belief_rule_decides_with_propensity_one() -> None:
    one, other, third = network(50, 0, 0, 0, 0, 0), network(0, 0, 50, 0, 0, 0), network(0, 0, 0, 50, 0, 0)
    unsure = LearnedPolicy([one, other, third])
    choice = select(unsure, context(1.0, 3.0, 2.0))
    assert choice.action.about == "size"
    assert choice.propensity == 1
    assert select(unsure, context(1.0, 3.0, 2.0, top=0.9)).action is RECOMMEND
    assert select(unsure, context(1.0, 3.0, 2.0, left=0)).action is RECOMMEND
    bold = LearnedPolicy([one, other, third], confidence=0.3)
    assert select(bold, context(1.0, 3.0, 2.0)).propensity == pytest.approx(1 / 3)


def test_what_may_not_be_done_is_never_chosen() -> None:
    policy = LearnedPolicy([network(50, 0, 0, 0, 0, 0)])
    assert select(policy, context(1.0, 3.0, 2.0), eligible=[False, True, False, False]).action.about == "colour"
    asks = LearnedPolicy([network(0, 50, 0, 0, 0, 0)])
    assert select(asks, context(1.0, 3.0, 2.0), eligible=[True, False, False, False]).action is RECOMMEND


def test_it_is_a_policy_that_is_read_from_its_artifact(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="zhanggui train dialogue"):
        LearnedPolicy.read(tmp_path)
    network(0, 0, 50, 0, 0, 0).write(tmp_path / "network-0.npz")
    policy = LearnedPolicy.read(tmp_path)
    assert isinstance(policy, Policy)
    assert select(policy, context(1.0, 3.0, 2.0)).action.about == "origin"
    network(0, 1, features=3).write(tmp_path / "network-1.npz")
    with pytest.raises(PolicyError, match="another version"):
        LearnedPolicy.read(tmp_path)
