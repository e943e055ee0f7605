"""What simulated shoppers want, answer, take and do when they are bored."""

from dataclasses import replace

import numpy as np
import pytest

from simulated_shop import world
from zhanggui.evaluation.shopper import INDIFFERENT, UNKNOWN, Habits, Shoppers

SHOP = world()
COLOUR = SHOP.aspect_names.index("colour")
PLAIN = Habits(wrong=(0.0,), unsure=0.0, changes_mind=0.0, own_question=0.0, leaves=0.0, leaves_bored=0.0)
ROWS = np.arange(200)


def shoppers(**habits) -> Shoppers:
    return Shoppers(SHOP, len(ROWS), habits=replace(PLAIN, **habits), rng=np.random.default_rng(0))


def test_everybody_can_find_what_is_wanted() -> None:
    people = shoppers(must=1.0)
    assert people.fit.any(axis=1).all()
    lacks = people.must[:, None, :] & ~SHOP.holds
    assert (people.fit <= ~lacks.any(axis=2)).all(), "what fits has all that is needed"
    assert (people.fit <= (SHOP.prices <= people.ceiling[:, None])).all(), "and is not too dear"


def test_the_first_sentence_names_what_is_needed_and_nothing_else() -> None:
    people = shoppers(names_kind=1.0, names_value=1.0, tells_ceiling=1.0)
    named, ceiling = people.open(ROWS)
    assert (named == people.must).all()
    assert (ceiling == people.ceiling).all()
    quiet, unbounded = shoppers(names_kind=0.0, names_value=0.0, tells_ceiling=0.0).open(ROWS)
    assert not quiet.any()
    assert np.isinf(unbounded).all()


def test_an_answer_names_a_wish_or_says_that_there_is_none() -> None:
    people = shoppers()
    said = people.answer(ROWS, np.full(200, COLOUR))
    wishes = (people.must | people.nice) & (SHOP.aspects == COLOUR)
    assert ((said == INDIFFERENT) == ~wishes.any(axis=1)).all()
    assert all(wishes[row, value] for row, value in enumerate(said) if value >= 0)
    assert (said != UNKNOWN).all()


@pytest.mark.parametrize(("wrong", "at_most", "at_least"), [(0.25, 0.35, 0.15), (1.0, 1.0, 1.0)])
def test_a_wrong_answer_names_another_value_of_the_aspect(wrong: float, at_most: float, at_least: float) -> None:
    people = shoppers(wrong=(wrong,), must=1.0)
    said = people.answer(ROWS, np.full(200, COLOUR))
    assert (SHOP.aspects[said] == COLOUR).all()
    errs = ~people.must[ROWS, said]
    assert at_least <= errs.mean() <= at_most


def test_who_is_unsure_says_so() -> None:
    assert (shoppers(unsure=1.0, must=1.0).answer(ROWS, np.full(200, COLOUR)) == UNKNOWN).all()


def test_nothing_is_taken_that_does_not_fit_and_more_is_taken_of_what_does() -> None:
    people = shoppers(must=1.0, ceiling=0.0)
    target = people.fit.argmax(axis=1)
    others = np.stack([(target + 1) % 12, (target + 2) % 12, np.full(200, -1)], axis=1)
    assert (people.take(ROWS, others) == -1).all()
    taken = people.take(ROWS, np.column_stack([others[:, :2], target]))
    assert set(np.unique(taken == target)) == {False, True}, "some take nothing all the same"
    assert ((taken == target) | (taken == -1)).all()
    assert (taken == target).mean() > 0.5


def test_what_is_too_dear_or_not_wanted_is_said() -> None:
    people = shoppers(must=1.0, ceiling=1.0, objects=1.0)
    dearest = np.full((200, 1), 11)
    _, dear = people.object_to(ROWS, dearest)
    assert (dear == (SHOP.prices[11] > people.ceiling)).all()
    generous = shoppers(must=1.0, ceiling=0.0, objects=1.0)
    unwanted, dear = generous.object_to(ROWS, dearest)
    assert not dear.any()
    assert (unwanted.sum(axis=1) <= 1).all()
    assert not (unwanted & generous.must).any()
    assert unwanted.any(axis=1).mean() > 0.8


def test_a_change_of_mind_keeps_to_the_kind_and_names_something_new() -> None:
    people = shoppers(changes_mind=1.0, must=1.0)
    kinds = people.must[:, SHOP.aspects == 0].copy()
    before = people.must.copy()
    changed, values = people.change_minds(ROWS)
    assert (people.must[:, SHOP.aspects == 0] == kinds).all()
    new = values != UNKNOWN
    assert new.any()
    assert (people.must[changed[new], values[new]] & ~before[changed[new], values[new]]).all()


def test_who_is_asked_what_does_not_matter_or_shown_in_vain_leaves_sooner() -> None:
    calm, bored = shoppers(leaves_bored=0.3), shoppers(leaves_bored=0.3, must=0.0, nice=0.0)
    for _ in range(2):
        bored.answer(ROWS, np.full(200, COLOUR))
        bored.take(ROWS, np.full((200, 1), -1))
    assert calm.leave(ROWS).mean() == 0
    assert bored.leave(ROWS).mean() > 0.5
