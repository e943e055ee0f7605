"""The shapes in which others write a chat with its answer: turns (TRL), Alpaca, ShareGPT. Refuses what is no text.

Alpaca and ShareGPT as LLaMA-Factory describes them (its data/README.md). Does not know briefs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from zhanggui.training.settings import PairColumns

Turn = Mapping[str, str]
_SPEAKERS = {"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}


def accepted(columns: PairColumns) -> str:
    """The shapes of row that are read, in words."""
    return (
        f"a row has {columns.prompt!r} and {columns.completion!r} ([columns] gives other names), a chat's 'messages', "
        "a brief's fields with 'facts' and 'copy', Alpaca's 'instruction', 'input', 'output', "
        "or ShareGPT's 'conversations'"
    )


def chat(row: Mapping[str, Any], columns: PairColumns, *, system: str) -> tuple[list[Turn], str]:
    """The turns before the answer, and the answer, of a row in any of the shapes but a brief. Raises ValueError."""
    if "messages" in row:
        return _divided(turns(row["messages"], "messages"), "messages")
    if columns.prompt not in row and "conversations" in row:
        found = turns(row["conversations"], "conversations", role="from", content="value")
        lead = _lead(row, "") if found[0]["role"] != "system" else []
        return _divided([*lead, *found], "conversations")
    if columns.prompt not in row and {"instruction", "output"} <= row.keys():
        asked = [text(row, "instruction"), text(row, "input") if row.get("input") else ""]
        past = [turn for one in row.get("history") or () for turn in _exchange(one)]
        question = {"role": "user", "content": "\n".join(filter(None, asked))}
        return [*_lead(row, system), *past, question], text(row, "output")
    for column in (columns.prompt, columns.completion):
        if column not in row:
            raise ValueError(f"the field {column!r} is missing; {accepted(columns)}")
    if isinstance(row[columns.prompt], str):
        lead = [{"role": "system", "content": system}] if system else []
        return [*lead, {"role": "user", "content": row[columns.prompt]}], answer(row, columns.completion)
    return turns(row[columns.prompt], columns.prompt), answer(row, columns.completion)


def answer(row: Mapping[str, Any], field: str) -> str:
    """An answer: text, or a list of one turn of the assistant's (TRL). Raises ValueError."""
    if not isinstance(row[field], list):
        return text(row, field)
    given = turns(row[field], field)
    if len(given) != 1 or given[0]["role"] != "assistant":
        raise ValueError(
            f"the field {field!r} must be text or one turn of the assistant's; put the turns before it into the prompt"
        )
    return given[0]["content"]


def text(row: Mapping[str, Any], field: str) -> str:
    """A field that must be text. Raises ValueError."""
    value = row[field]
    if not isinstance(value, str):
        kind = "null" if value is None else type(value).__name__
        raise ValueError(f"the field {field!r} is no text but {kind}; write text, or leave the row out")
    return value


def turns(value: Any, field: str, *, role: str = "role", content: str = "content") -> list[Turn]:
    """A list of turns, each with who speaks and a text. Raises ValueError naming the turn."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"the field {field!r} must be text or a list of turns, each with {role!r} and {content!r}")
    found: list[Turn] = []
    for place, one in enumerate(value):
        name = f"{field}[{place}]"
        if not isinstance(one, Mapping) or not {role, content} <= one.keys():
            raise ValueError(f"{name} is no turn; it needs {role!r} and {content!r}")
        said = {f"{name}.{part}": one[part] for part in (role, content)}
        speaker, words = (text(said, part) for part in said)
        if role == "from":
            if speaker not in _SPEAKERS:
                raise ValueError(f"{name}.from is {speaker!r}; known are {', '.join(_SPEAKERS)}")
            speaker = _SPEAKERS[speaker]
        found.append({"role": speaker, "content": words})
    return found


def _divided(found: Sequence[Turn], field: str) -> tuple[list[Turn], str]:
    *before, last = found
    if last["role"] != "assistant" or not before:
        raise ValueError(f"the last of at least two {field} must be the assistant's")
    return before, last["content"]


def _lead(row: Mapping[str, Any], system: str) -> list[Turn]:
    """The system message: the row's own, else the job's."""
    said = text(row, "system") if row.get("system") else system
    return [{"role": "system", "content": said}] if said else []


def _exchange(one: Any) -> list[Turn]:
    """A question and its answer of an Alpaca row's history."""
    if not isinstance(one, list) or len(one) != 2 or not all(isinstance(said, str) for said in one):
        raise ValueError("the field 'history' must be a list of pairs, [question, answer], of texts")
    return [{"role": "user", "content": one[0]}, {"role": "assistant", "content": one[1]}]
