"""The belief state: what each kind of utterance changes in it, why, and that it is rebuilt from its changes alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhanggui.conversation.state import BeliefState, apply, from_json, to_json
from zhanggui.conversation.track import track
from zhanggui.conversation.understanding import INTENTS, SLOTS, Slot, Understanding

from .heard import ONTOLOGY, heard


def after(*utterances: Understanding, state: BeliefState | None = None) -> BeliefState:
    state = state or BeliefState()
    for one in utterances:
        state = apply(state, track(state, one, ONTOLOGY, currency="CNY"))
    return state


def test_a_change_of_mind_replaces_a_value_and_an_alternative_stands_beside_it() -> None:
    silk = heard("a silk scarf", "search", material="silk", category="scarf")
    assert after(silk).wanted == {"material": ("silk",)}
    assert after(silk, heard("rather wool", "refine", material="wool")).wanted == {"material": ("wool",)}
    assert after(silk, heard("wool or silk", "refine", material=["wool", "silk"])).wanted == {
        "material": ("wool", "silk")
    }
    assert after(silk, heard("wool too", "refine", material="wool")).wanted == {"material": ("silk", "wool")}


def test_a_negated_value_is_unwanted_until_it_is_allowed_again() -> None:
    unwanted = heard("not silk", "refine", material={"value": "silk", "negated": True})
    assert after(unwanted).unwanted == {"material": ("silk",)}
    allowed = after(unwanted, heard("silk is fine", "refine", material="silk"))
    assert (allowed.unwanted, allowed.wanted) == ({}, {})
    assert after(heard("silk", "refine", material="silk"), unwanted).wanted == {}


def test_another_thing_begins_a_new_search_and_a_budget_that_came_first_stays() -> None:
    budget = heard("under 100", "search", price={"value": "100", "operator": "max"}, recipient="dad")
    teapot = heard("a teapot", "search", category="teapot")
    first = after(budget, teapot)
    assert (first.words, first.price_max) == ("teapot", "100")
    second = after(heard("a blue mug", "search", category="mug", colour="blue"), state=first)
    assert (second.words, second.price_max, second.wanted) == ("mug", "", {"colour": ("blue",)})
    assert after(heard("in red", "refine", colour="red"), state=second).words == "mug"


def test_a_category_of_the_shop_is_told_from_other_words() -> None:
    state = after(heard("tea", "search", category="tea"))
    assert (state.category, state.words) == ("Tea", "")
    jasmine = after(heard("jasmine tea", "search", feature="jasmine", category="tea"))
    assert (jasmine.category, jasmine.words) == ("Tea", "jasmine")


@pytest.mark.parametrize(
    ("operator", "value", "bounds"),
    [
        ("max", "300", ("", "300")),
        ("min", "50 CNY", ("50", "")),
        ("about", "100", ("80", "120")),
        ("cheaper", "", ("", "57.99")),
        ("dearer", "", ("89.01", "")),
        ("max", "50 USD", ("", "")),
        ("max", "a lot", ("", "")),
    ],
)
def test_prices_become_bounds(operator: str, value: str, bounds: tuple[str, str]) -> None:
    shown = BeliefState(words="cup", shown=("a", "b"), prices={"a": "58.00", "b": "89.00", "c": "1.00"})
    text = f"{operator} ${value}" if "USD" in value else f"{operator} {value}"
    slot = Slot(name="price", value=value, operator=operator, start=0, end=len(text))
    state = after(
        Understanding(text=text, language="en", intents={"refine": 1.0}, slots=(slot,), confidence=0.9), state=shown
    )
    assert (state.price_min, state.price_max) == bounds


def test_of_two_bounds_that_contradict_each_other_the_later_holds() -> None:
    low = after(heard("at least 200", "search", price={"value": "200", "operator": "min"}))
    state = after(heard("up to 100", "refine", price={"value": "100", "operator": "max"}), state=low)
    assert (state.price_min, state.price_max) == ("", "100")


@pytest.mark.parametrize(
    "intent", ["chitchat", "greet", "thanks", "complain", "out_of_scope", "ask_price", "order_status"]
)
def test_talk_and_questions_fill_no_slots(intent: str) -> None:
    state = after(
        heard("such a blue sky", intent, colour="blue", category="sky", price={"value": "9", "operator": "max"})
    )
    assert (state.wanted, state.words, state.category, state.price_max) == ({}, "", "", "")


def test_what_is_not_understood_changes_nothing_but_the_count_of_it() -> None:
    unclear = heard("blue?", "search", colour="blue", confidence=0.1)
    assert after(unclear, unclear).misunderstood == 2
    assert after(unclear).wanted == {}
    assert after(unclear, heard("blue", "search", colour="blue")).misunderstood == 0


def test_an_answer_to_a_question_counts_though_it_has_no_intent_of_a_search() -> None:
    asked = BeliefState(category="Clothing", expected="material", asked=("material",))
    assert after(heard("wool", "affirm", material="wool"), state=asked).wanted == {"material": ("wool",)}
    assert after(heard("don't mind", "dont_care"), state=asked).refused == ("material",)


def test_contact_data_that_were_asked_for_start_no_search() -> None:
    asked = BeliefState(expected="proof", order_id="A1", request={"wish": "status"})
    state = after(heard("phone 138", "refine", category="phone", phone="138"), state=asked)
    assert state.words == ""


def test_a_person_has_the_conversation_whatever_is_said() -> None:
    with_person = BeliefState(stage="with_person")
    assert after(heard("tea", "search", category="tea"), state=with_person).with_person


def test_places_and_prices_tell_which_product_is_meant() -> None:
    shown = BeliefState(shown=("a", "b", "c"), prices={"a": "30", "b": "20", "c": "90"}, words="cup")
    for item, meant in {
        "2": ("b",),
        "last": ("c",),
        "cheapest": ("b",),
        "dearest": ("c",),
        "previous": ("a",),
        "9": (),
    }.items():
        assert after(heard("that", "ask_price", item=item), state=shown).focus == meant, item
    assert after(heard("first and last", "compare", item=["1", "last"]), state=shown).focus == ("a", "c")


def test_after_a_list_of_orders_a_place_means_an_order_and_after_products_a_product() -> None:
    listed = BeliefState(shown=("a", "b"), prices={"a": "30", "b": "20"}, orders=("A1", "A2", "A3"))
    for item, order in {"2": "A2", "last": "A3", "9": ""}.items():
        state = after(heard("that", "order_status", item=item), state=listed)
        assert (state.order_id, state.focus) == (order, ()), item
    assert after(heard("the cheapest", "ask_price", item="cheapest"), state=listed).focus == ("b",)
    assert after(heard("the second cup", "ask_price", item="2", category="cup"), state=listed).focus == ("b",)


def test_every_change_says_why() -> None:
    changes = track(
        BeliefState(), heard("a silk scarf", "search", material="silk", category="scarf"), ONTOLOGY, currency="CNY"
    )
    assert {change.field for change in changes} >= {"wanted", "words", "turn"}
    assert all(change.reason for change in changes)
    assert any("silk" in change.reason for change in changes if change.field == "wanted")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SLOT = st.builds(
    lambda name, value, negated, operator: Slot(
        name=name, value=value, start=0, end=1, negated=negated, operator=operator
    ),
    st.sampled_from(SLOTS),
    st.one_of(TEXTS, st.sampled_from(["silk", "tea", "100", "1", "last", "Tea", "NaN", "1e999", "-3 CNY", "blue"])),
    st.booleans(),
    st.sampled_from(["", "min", "max", "about", "exactly", "cheaper", "dearer"]),
)
HEARD = st.builds(
    lambda text, intents, slots, confidence: Understanding(
        text=text, language="zh", intents=dict.fromkeys(intents, 0.9), slots=tuple(slots), confidence=confidence
    ),
    TEXTS,
    st.lists(st.sampled_from(INTENTS), max_size=3),
    st.lists(SLOT, max_size=5),
    st.sampled_from([0.1, 0.9]),
)


@given(st.lists(HEARD, max_size=6))
def test_a_state_is_rebuilt_from_its_changes_alone(turns: list[Understanding]) -> None:
    state, kept = BeliefState(), list[Any]()
    for one in turns:
        changes = track(state, one, ONTOLOGY, currency="CNY")
        state = apply(state, changes)
        kept.append(json.dumps(to_json(changes)))
    rebuilt = BeliefState()
    for text in kept:
        rebuilt = apply(rebuilt, from_json(json.loads(text)))
    assert rebuilt == state
    assert state.turn == len(turns)
