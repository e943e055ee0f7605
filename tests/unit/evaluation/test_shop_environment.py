"""Dialogues with simulated shoppers: what a step does, what it earns, when it is over."""

from dataclasses import replace

import numpy as np
import pytest

from simulated_shop import world
from zhanggui.conversation.act import FEATURES
from zhanggui.evaluation.shop_dialogues import BASELINES, compare, hold
from zhanggui.evaluation.shop_environment import WATCHED, Happening, ShopEnvironment, Worth
from zhanggui.evaluation.shopper import Habits

SHOP = world()
PLAIN = Habits(
    wrong=(0.0,), unsure=0.0, tells_ceiling=0.0, changes_mind=0.0, own_question=0.0, leaves=0.0, leaves_bored=0.0
)


def environment(dialogues: int = 64, heard=lambda _happening: None, **habits) -> ShopEnvironment:
    rng = np.random.default_rng(0)
    return ShopEnvironment(SHOP, dialogues=dialogues, habits=replace(PLAIN, **habits), rng=rng, heard=heard)


def test_the_kind_is_asked_first_and_only_once() -> None:
    shop = environment(names_kind=0.0, names_value=0.0)
    seen = shop.observe()
    assert seen.legal.tolist() == [[True, True, False, False, False, False]] * 64
    assert seen.features[:, 4] == pytest.approx(np.log10(12))
    shop.step(np.ones(64, dtype=np.int64))
    assert shop.observe().features[:, 4].max() <= np.log10(6) + 1e-6, "half of the products are of that kind"
    assert shop.observe().legal[:, 1:3].all(), "colour and size are left"


def test_an_answer_narrows_what_is_found_and_an_aspect_without_a_wish_is_not_asked_again() -> None:
    shop = environment(names_kind=1.0, names_value=0.0, must=0.0, nice=0.0)
    for asked in (1, 2):
        shop.step(np.ones(64, dtype=np.int64))
        seen = shop.observe().features
        assert (seen[:, 5] == asked).all()
        assert (seen[:, 6] == asked).all(), "nobody has a wish"
    assert not shop.observe().legal[:, 1:].any()
    decided = environment(names_kind=1.0, names_value=0.0, must=1.0)
    for _ in range(2):
        decided.step(np.ones(64, dtype=np.int64))
    assert (decided.observe().features[:, 4] == 0).all(), "one product is left"


def test_a_purchase_earns_by_its_price_and_a_refusal_and_a_turn_cost() -> None:
    worth, noted = Worth(), list[Happening]()
    shop = environment(heard=noted.append, names_kind=1.0)
    step = shop.step(np.zeros(64, dtype=np.int64))
    bought = noted[0].bought
    sold = bought >= 0
    assert 0 < sold.sum() < 64
    price = np.minimum(SHOP.prices[bought[sold]] / np.median(SHOP.prices), 4)
    assert step.rewards[sold] == pytest.approx(worth.success + worth.value * price + worth.turn)
    assert step.rewards[~sold] == pytest.approx(worth.turn + worth.refusal)
    assert (step.ended == sold).all()
    asked = shop.step(shop.observe().legal[:, 1].astype(np.int64))
    assert np.isclose(asked.rewards, worth.turn).any()


def test_who_goes_on_is_no_longer_watched_and_who_leaves_has_ended() -> None:
    endless = environment(own_question=1.0, names_kind=0.0)
    ask = np.ones(64, dtype=np.int64)
    steps = [endless.step(ask) for _ in range(WATCHED)]
    assert not any(step.ended.any() for step in steps)
    assert [bool(step.cut_off.all()) for step in steps] == [False] * (WATCHED - 1) + [True]
    assert (steps[-1].reached.features[:, 8] == WATCHED + 1).all(), "the state that was reached, not a new one"
    assert (endless.observe().features[:, 8] == 1).all()
    gone = environment(leaves=1.0).step(ask * 0)
    assert gone.ended.all()
    assert not gone.cut_off.any()


def test_products_shown_in_vain_are_not_shown_again_while_others_are_left() -> None:
    shop = environment(names_kind=0.0, names_value=0.0, objects=0.0, dialogues=200)
    first = shop.step(np.zeros(200, dtype=np.int64))
    left = shop.observe().features[~first.ended]
    assert (left[:, 7] == 3).all()
    assert left[:, 4] == pytest.approx(np.log10(9))


def test_the_same_seed_holds_the_same_dialogues_and_a_rule_does_better_than_chance() -> None:
    once, again = (hold(SHOP, BASELINES["belief"], wrong=0.1, dialogues=300, seed=5) for _ in range(2))
    assert once == again
    compared = compare(SHOP, BASELINES, dialogues=300, seeds=(1, 2, 3))
    success = {(row.policy, row.wrong): row.mean.success for row in compared}
    assert success["belief", 0.0] > success["random", 0.0]
    assert success["max_entropy", 0.0] > success["max_entropy", 0.25]
    assert all(row.half is not None and row.half.turns > 0 for row in compared)
    assert len(compared) == 9


def test_what_is_seen_has_the_features_of_the_assistant_first() -> None:
    seen = environment().observe()
    assert seen.features.shape == (64, FEATURES + 5)
    assert seen.features.dtype == np.float32
    assert (np.diff(np.where(seen.legal[:, 1:], seen.features[:, FEATURES:], 0), axis=1) <= 1e-6).all(), "best first"
