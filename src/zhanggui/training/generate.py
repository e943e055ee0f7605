"""Answers the rows of a file with a trained model, by batches, in the very prompts that it was trained on.

Knows no torch: any LanguageModel answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from zhanggui.content.prompt import Style
from zhanggui.errors import TrainingError
from zhanggui.evaluation.consensus import consensus
from zhanggui.llm.model import ChatMessage, ChatRequest, LanguageModel, Sampling
from zhanggui.training import rows
from zhanggui.training.rows import Pair
from zhanggui.training.settings import PairColumns

_BATCH = 16


def read(path: Path, config: Mapping[str, Any], *, held_out: bool) -> list[Pair]:
    """Rows as `rows.read` takes them, but an answer may be missing; `config` is the artifact's.

    `held_out`: only those that its training held out. Raises TrainingError naming file, line and field.
    """
    columns = TypeAdapter(PairColumns).validate_python(config.get("columns") or {})
    system, tidy = str(config.get("system") or ""), bool(config.get("clean"))
    style: Style = "product" if config.get("prompt") == "product" else "brief"

    def make(row: Mapping[str, Any]) -> Pair:
        known = ((columns.prompt, columns.completion), ("instruction", "output"), ("facts", "copy"))
        answer = next((answer for asks, answer in known if asks in row), "")
        if answer and row.get(answer) is None:
            row = {**row, answer: ""}
        return rows.pair(row, columns, system=system, tidy=tidy, style=style)

    parted = held_out and config.get("held_out") == "parts"
    if parted and not rows.has_parts(path):
        raise TrainingError(f"training held out the validation part of its data's folder; name that folder, not {path}")
    pairs, _ = rows.read_as(path / "validation.jsonl" if parted else path, make)
    if held_out and not parted:
        _, pairs = rows.split(pairs, validation=float(config["validation"]), seed=int(config["seed"]))
    return pairs


def generate(model: LanguageModel, pairs: Sequence[Pair], *, candidates: int, sampling: Sampling) -> Iterator[str]:
    """One text a pair, in order: of several candidates the one that agrees most with the others. Raises ModelError."""
    for start in range(0, len(pairs), _BATCH):
        requests = [
            ChatRequest(
                messages=tuple(ChatMessage(role=turn["role"], content=turn["content"]) for turn in one.prompt),  # type: ignore[arg-type]
                n=candidates,
            )
            for one in pairs[start : start + _BATCH]
        ]
        for answer in model.generate(requests, sampling=sampling):
            yield answer.texts[consensus(answer.texts)].strip()
