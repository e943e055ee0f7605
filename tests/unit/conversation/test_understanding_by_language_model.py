import json

import pytest

from zhanggui.catalog.ontology import Ontology
from zhanggui.conversation.understand.labelled import WRITTEN_ON
from zhanggui.conversation.understand.language_model import SCHEMA, LanguageModelUnderstander
from zhanggui.conversation.understanding import Understanding, Utterance
from zhanggui.testing import FakeLLM


def understand(text: str, model: FakeLLM, asked: str = "") -> Understanding:
    understander = LanguageModelUnderstander(model, Ontology(), today=lambda: WRITTEN_ON)
    return understander.understand([Utterance(text=text, asked=asked)])[0]


def answer(*slots: tuple[str, str], intents: tuple[str, ...] = ("search",), confidence: str = "high") -> str:
    named = [{"name": name, "text": text} for name, text in slots]
    return json.dumps({"intents": intents, "slots": named, "confidence": confidence})


def test_what_the_model_names_is_found_in_the_text_and_normalised() -> None:
    text = "Not Navy Blue, under $30 by tomorrow"
    model = FakeLLM(answer(("colour", "navy blue"), ("price", "$30"), ("date", "tomorrow")))
    understanding = understand(text, model)
    assert [(text[slot.start : slot.end], slot.value, slot.operator, slot.negated) for slot in understanding.slots] == [
        ("Navy Blue", "navy", "", True),
        ("$30", "30 USD", "max", False),
        ("tomorrow", "2026-12-01", "", False),
    ]
    assert understanding.has("search")
    assert understanding.confidence > 0.8


def test_the_model_is_held_to_the_schema_and_told_what_was_asked() -> None:
    model = FakeLLM(answer())
    understand("38", model, asked="size")
    (request,) = model.requests
    assert request.schema == SCHEMA
    assert request.messages[-1].content == "The shop asked for: size\n<said>38</said>"


def test_a_word_said_twice_is_found_twice() -> None:
    understanding = understand("blue, really blue", FakeLLM(answer(("colour", "blue"), ("colour", "blue"))))
    assert [(slot.start, slot.end) for slot in understanding.slots] == [(0, 4), (13, 17)]


def test_what_the_model_made_up_is_left_out_and_costs_confidence() -> None:
    understanding = understand("a blue shirt", FakeLLM(answer(("colour", "red"), ("colour", "blue"))))
    assert [slot.value for slot in understanding.slots] == ["blue"]
    assert understanding.confidence < understand("a blue shirt", FakeLLM(answer(("colour", "blue")))).confidence


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Sure! Here is the JSON:",
        "[]",
        "null",
        '{"intents": "search"}',
        '{"intents": [["search"]], "slots": [], "confidence": "high"}',
        '{"intents": ["pay_me"], "slots": [], "confidence": "high"}',
        '{"intents": ["search"], "slots": [1], "confidence": "high"}',
        '{"intents": ["search"], "slots": [], "confidence": {}}',
        "[" * 100_000,
    ],
)
def test_an_answer_that_cannot_be_used_has_no_confidence(said: str) -> None:
    understanding = understand("a blue shirt", FakeLLM(said))
    assert (dict(understanding.intents), understanding.slots, understanding.confidence) == ({}, (), 0.0)


def test_a_model_that_does_not_answer_leaves_all_without_confidence() -> None:
    assert understand("hello", FakeLLM("", fails=True)).confidence == 0.0
