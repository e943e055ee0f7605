"""Comparisons to learn a preference from: one prompt, the better text and the worse.

A row of JSON lines has `prompt` (text or turns), or a brief's fields, with `chosen` and `rejected`; more fields are
left alone. Does not know who judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhanggui.content.prompt import Style
from zhanggui.training import rows
from zhanggui.training.chats import VARIABLES
from zhanggui.training.rows import Pair


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two texts for one prompt."""

    chosen: Pair
    """The prompt with the better text."""
    rejected: str


def read(path: Path, *, style: Style = "brief") -> tuple[list[Comparison], str]:
    """Comparisons of a JSONL file or a folder of them, and the SHA-256 of what was read.

    `style` says what a model is told of a brief.
    Raises TrainingError naming file, line and field.
    """
    return rows.read_as(path, lambda row: _comparison(row, style))


def split(found: Sequence[Comparison], *, validation: float, seed: int) -> tuple[list[Comparison], list[Comparison]]:
    """Training and validation comparisons; a group (the product of a brief, else the prompt) goes to one side whole."""
    return rows.split(found, validation=validation, seed=seed, group=lambda one: one.chosen.group)


def chats(found: Iterable[Comparison]) -> list[dict[str, Any]]:
    """What TRL takes: a prompt, both texts as turns, and the variables of the chat template."""
    return [
        {
            "prompt": [dict(turn) for turn in one.chosen.prompt],
            "chosen": [{"role": "assistant", "content": one.chosen.answer}],
            "rejected": [{"role": "assistant", "content": one.rejected}],
            "chat_template_kwargs": dict(VARIABLES),
        }
        for one in found
    ]


def _comparison(row: Mapping[str, Any], style: Style) -> Comparison:
    chosen, rejected = row["chosen"], row["rejected"]
    if not isinstance(chosen, str) or not isinstance(rejected, str):
        raise TypeError("chosen and rejected must be texts")
    if chosen == rejected:
        raise ValueError("chosen and rejected are the same text")
    if "prompt" in row:
        # Nothing else of the row: a field of another shape (messages, copy) would go before what was chosen.
        given = {"prompt": row["prompt"], "completion": chosen, "group": row.get("group")}
    elif "facts" in row:
        given = {**row, "copy": chosen}
    else:
        raise ValueError("it has neither a 'prompt' nor a brief's fields with 'facts'")
    return Comparison(chosen=rows.pair(given, style=style), rejected=rejected)
