from collections import Counter
from pathlib import Path

import pytest

from zhanggui.catalog import LANGUAGES
from zhanggui.conversation.understand.labelled import labelled, read_labelled, shipped
from zhanggui.conversation.understanding import INTENTS, PRICE_OPERATORS, SLOTS
from zhanggui.errors import CorpusError


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_hundred_and_fifty_utterances_of_each_language_and_part_ship(part: str) -> None:
    languages = Counter(row.utterance.language for row in shipped(part))  # type: ignore[arg-type]
    assert all(languages[language] >= 150 for language in LANGUAGES)
    assert part == "train" or set(languages.values()) == {150}


def test_no_utterance_is_in_both_parts() -> None:
    train, test = ({(row.utterance.text, row.utterance.asked) for row in shipped(part)} for part in ("train", "test"))
    assert {text for text, _ in train & test} <= {"hello", "你好"}


def test_every_intent_is_said_eight_times_in_each_language() -> None:
    rows = shipped("train") + shipped("test")
    said = Counter((row.utterance.language, intent) for row in rows for intent in row.intents)
    assert {intent for _, intent in said} == set(INTENTS)
    assert all(said[language, intent] >= 8 for language in LANGUAGES for intent in INTENTS), said


def test_slots_are_known_apart_from_each_other_and_stand_in_the_text() -> None:
    for row in shipped("train") + shipped("test"):
        text, end = row.utterance.text, 0
        for slot in row.slots:
            assert slot.name in SLOTS
            assert slot.start >= end, f"{text}: slots overlap"
            assert text[slot.start : slot.end] == text[slot.start : slot.end].strip(" ,.，。？！?!"), text
            assert (slot.name == "price") == (slot.operator in PRICE_OPERATORS), text
            end = slot.end


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "rows.jsonl:2: it is not JSON"),
        ("[]", "rows.jsonl:2: it is not an object"),
        ('{"text": "", "intents": ["greet"]}', "rows.jsonl:2: text: it is missing or empty"),
        ('{"text": "hi", "intents": []}', "rows.jsonl:2: intents: it is no list of names"),
        ('{"text": "hi", "intents": ["greet"], "language": "fr"}', "rows.jsonl:2: language: 'fr' is no language"),
        (
            '{"text": "hi", "intents": ["greet"], "slots": [{"name": "size"}]}',
            r"rows.jsonl:2: slots\[0\]: it is no slot",
        ),
        (
            '{"text": "hi", "intents": ["greet"], "slots": [{"name": "size", "value": "M", "start": 1, "end": 3}]}',
            r"rows.jsonl:2: slots\[0\]: \[1, 3\) is no span of 2 characters",
        ),
    ],
)
def test_a_wrong_row_is_named_by_file_line_and_field(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "hello", "intents": ["greet"]}\n' + line, encoding="utf-8")
    with pytest.raises(CorpusError, match=problem):
        read_labelled(path)


def test_the_language_of_a_row_is_told_from_its_text() -> None:
    assert labelled({"text": "有 XL 吗", "intents": ["ask_stock"]}).utterance.language == "zh"
    assert labelled({"text": "any 龙井 tea from hangzhou", "intents": ["search"]}).utterance.language == "en"
