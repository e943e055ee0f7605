"""Utterances with their intents and slots as people labelled them: a JSON Lines file, and the one that ships.

A line is {"text", "language", "intents": [name], "slots": [{"name", "value", "start", "end", "negated", "operator"}],
"asked"}; all but the text and the intents may be left out. Does not know who understands.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from zhanggui.catalog.product import LANGUAGES
from zhanggui.conversation.understand.language import language_of
from zhanggui.conversation.understanding import Slot, Utterance
from zhanggui.errors import CorpusError

DATA = Path(__file__).parents[1] / "data"
WRITTEN_ON = date(2026, 11, 30)
"""The day on which the shipped utterances are said: "tomorrow" in them is the day after."""
_HINT = "see docs/howto/understand.md"


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An utterance and what it means."""

    utterance: Utterance
    intents: tuple[str, ...]
    slots: tuple[Slot, ...] = ()


def shipped(part: Literal["train", "test"]) -> list[Labelled]:
    """The shop's utterances that ship; `test` is kept to measure with, nothing was tuned on it."""
    return read_labelled(DATA / f"utterances.{part}.jsonl")


def read_labelled(path: Path) -> list[Labelled]:
    """The labelled utterances of a file. Raises CorpusError, which names file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CorpusError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"byte {error.start + 1} is not UTF-8", source=str(path)) from error
    return list(_rows(text, str(path)))


def _rows(text: str, source: str) -> Iterator[Labelled]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield labelled(json.loads(line))
        except CorpusError as error:
            raise error.at(source, number) from error
        except ValueError as error:
            raise CorpusError(f"it is not JSON: {error}", source=source, line=number, hint=_HINT) from error


def labelled(row: Any) -> Labelled:
    """The labelled utterance that a row of JSON describes. Raises CorpusError with the field."""
    if not isinstance(row, Mapping):
        raise CorpusError("it is not an object", hint=_HINT)
    text, intents, language = row.get("text"), row.get("intents"), row.get("language")
    if not isinstance(text, str) or not text.strip():
        raise CorpusError("it is missing or empty", field="text", hint=_HINT)
    if not isinstance(intents, list) or not intents or not all(isinstance(one, str) and one for one in intents):
        raise CorpusError("it is no list of names", field="intents", hint=_HINT)
    if language is None:
        language = language_of(text)
    if language not in LANGUAGES:
        raise CorpusError(f"{language!r} is no language", field="language", hint="en or zh")
    slots = row.get("slots", [])
    if not isinstance(slots, list):
        raise CorpusError("it is not a list", field="slots", hint=_HINT)
    return Labelled(
        utterance=Utterance(text=text, language=language, asked=str(row.get("asked", ""))),
        intents=tuple(intents),
        slots=tuple(_slot(slot, text, f"slots[{number}]") for number, slot in enumerate(slots)),
    )


def _slot(row: Any, text: str, field: str) -> Slot:
    try:
        slot = Slot(**row)
    except TypeError as error:
        raise CorpusError(f"it is no slot: {error}", field=field, hint=_HINT) from error
    if not (isinstance(slot.start, int) and isinstance(slot.end, int) and 0 <= slot.start < slot.end <= len(text)):
        problem = f"[{slot.start}, {slot.end}) is no span of {len(text)} characters"
        raise CorpusError(problem, field=field, hint="characters are counted from 0, the end excluded")
    return slot
