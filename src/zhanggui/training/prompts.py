"""Prompts of a JSONL file, to be answered by a model, and the rows that its answers make. Loads no torch.

A row is a brief, a chat or a prompt, as in fine-tuning; what it gives as the answer becomes the reference.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from zhanggui.content.brief import Brief
from zhanggui.content.prompt import Style, request_for
from zhanggui.errors import InputError, TrainingError
from zhanggui.llm.model import ChatMessage, ChatRequest
from zhanggui.storage import RejectFile

_ANSWERS = ("reference", "completion", "text", "copy", "summary")
_LIMITS = {"en": 220, "zh": 90}

Row = dict[str, Any]


def read(
    path: Path, *, column: str, system: str, style: Style, rejects: RejectFile
) -> Iterator[tuple[Row, ChatRequest]]:
    """Each row and what to ask. A brief is asked for in the `style` that the model was trained on.

    Raises TrainingError when the file cannot be opened; a row that cannot be asked goes to the reject file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path} cannot be opened: {error.strerror}") from error
    for line, raw in enumerate(data.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
            if not isinstance(row, dict):
                raise InputError("it is not an object")
            request = _request(row, column, system, style)
        except ValueError as error:
            rejects.add(InputError(f"it is not JSON in UTF-8: {error}").at(str(path), line), raw)
        except InputError as error:
            rejects.add(error.at(str(path), line), raw)
        else:
            yield row, request


def answered(row: Mapping[str, Any], text: str) -> Row:
    """The row with the model's answer as `text`, and its own as `reference`, as `zhanggui evaluate copy` reads it."""
    own = next((row[name] for name in _ANSWERS if row.get(name)), None)
    rest = {name: value for name, value in row.items() if name not in _ANSWERS and name != "messages"}
    if own is None and "messages" in row and row["messages"][-1]["role"] == "assistant":
        own = row["messages"][-1]["content"]
    return rest | ({} if own is None else {"reference": own}) | {"text": text}


def _request(row: Mapping[str, Any], column: str, system: str, style: Style) -> ChatRequest:
    before = (ChatMessage(role="system", content=system),) if system else ()
    if column in row:
        prompt = row[column]
        if not isinstance(prompt, str) or not prompt.strip():
            raise InputError("it is no text, or empty", field=column)
        return ChatRequest(messages=(*before, ChatMessage(role="user", content=prompt)))
    if "messages" in row:
        try:
            turns = tuple(ChatMessage(role=one["role"], content=str(one["content"])) for one in row["messages"])
        except (TypeError, KeyError) as error:
            raise InputError("it is no list of turns with role and content", field="messages") from error
        turns = turns[:-1] if turns and turns[-1].role == "assistant" else turns
        if not turns:
            raise InputError("it asks nothing", field="messages")
        return ChatRequest(messages=turns)
    if "about" not in row:
        raise InputError(f"it has neither {column}, nor messages, nor about", hint="name the column: --prompt")
    language: Literal["zh", "en"] = "zh" if row.get("language") == "zh" else "en"
    facts = row.get("facts") or {}
    if row.get("language", "en") not in _LIMITS:
        raise InputError("it must be en or zh", field="language")
    if not isinstance(facts, Mapping):
        raise InputError("it is no object", field="facts")
    brief = Brief(
        language=language,
        channel=str(row.get("channel", "email")),
        tone=str(row.get("tone", "plain")),
        about=str(row["about"]),
        product=tuple((str(name), str(value)) for name, value in facts.items()),
        offer_title=str(row.get("offer", "")),
        stage=str(row.get("stage", "")),
        limit=_LIMITS[language],
    )
    return request_for(brief, candidates=1, style=style)
