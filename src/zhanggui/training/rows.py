"""Rows to fine-tune on, as chats with the answer apart: from JSON lines or arrays of chats, or of briefs with their copy.

Briefs go through `content.prompt`, so that a model is trained on the very prompts that it will be asked with.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from zhanggui.content.brief import Brief
from zhanggui.content.prompt import Style, request_for
from zhanggui.corpus import json_rows
from zhanggui.corpus.clean import clean
from zhanggui.corpus.split import group_key
from zhanggui.errors import TrainingError
from zhanggui.training import shapes
from zhanggui.training.settings import FinetuneSettings, PairColumns

Row = TypeVar("Row")
NAMED = PairColumns()
LIMITS = {"en": 220, "zh": 90}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One chat and the answer to learn. `group` is never divided between training and validation."""

    prompt: tuple[Mapping[str, str], ...]
    answer: str
    group: str
    language: str = ""
    """Of a brief; "" for any other chat."""


def read(
    path: Path, columns: PairColumns = NAMED, *, system: str = "", tidy: bool = False, style: Style = "brief"
) -> tuple[list[Pair], str]:
    """Pairs of a file of JSON lines or of one array, or of every .jsonl file in a folder, and the SHA-256 of what was read.

    A row has `messages` (a chat whose last turn is the answer) or a prompt and a completion in `columns`, or is a brief
    with `facts` and `copy`, or has the fields of Alpaca or ShareGPT. `system` goes before a prompt that is text; `tidy`
    cleans completions; `style` says what a model is told of a brief. Raises TrainingError naming file, line and field.
    """
    return read_as(path, lambda row: pair(row, columns, system=system, tidy=tidy, style=style))


def has_parts(path: Path) -> bool:
    """Whether it is a folder that says itself what is for training and what for validation, as a built corpus does."""
    return all((path / f"{part}.jsonl").exists() for part in ("train", "validation"))


def read_parts(path: Path, settings: FinetuneSettings) -> tuple[list[Pair], list[Pair], str]:
    """Pairs for training and for validation, and the SHA-256 of what was read: the folder's own parts, else `split`.

    Raises TrainingError as `read`, and where one side would be empty.
    """
    how: Any = {"system": settings.system, "tidy": settings.clean, "style": settings.prompt}
    if not has_parts(path):
        found, digest = read(path, settings.columns, **how)
        train, held = split(found, validation=settings.validation, seed=settings.seed)
    else:
        (train, one), (held, other) = (
            read(path / f"{part}.jsonl", settings.columns, **how) for part in ("train", "validation")
        )
        digest = hashlib.sha256(f"{one} {other}".encode()).hexdigest()
    if not train or not held:
        raise TrainingError(f"{path}: {len(train) + len(held)} pairs are too few to train on and to hold some out")
    return train, held, digest


def files(path: Path) -> list[Path]:
    """What is read of a path: the file, or every .jsonl file of a folder. Raises TrainingError where it holds none."""
    found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not found:
        raise TrainingError(f"{path} holds no .jsonl file")
    return found


def read_as(path: Path, make: Callable[[Mapping[str, Any]], Row]) -> tuple[list[Row], str]:
    """As `read`, with a row of any kind: `make` may raise ValueError, TypeError, AttributeError or KeyError."""
    found: list[Row] = []
    digest = hashlib.sha256()
    for file in files(path):
        try:
            data = file.read_bytes()
        except OSError as error:
            raise TrainingError(f"{file} cannot be opened: {error.strerror}") from error
        digest.update(data)
        for line, row in _rows(file, data):
            try:
                if not isinstance(row, dict):
                    raise ValueError("it is no object with fields")
                found.append(make(row))
            except (ValueError, TypeError, AttributeError) as error:
                raise TrainingError(f"{file}, line {line}: {error}") from error
            except KeyError as error:
                raise TrainingError(f"{file}, line {line}: the field {error} is missing") from error
    return found, digest.hexdigest()


def _rows(file: Path, data: bytes) -> Iterator[tuple[int, Any]]:
    """(line, row): of one JSON array, or else of JSON lines."""
    line = 1
    try:
        if json_rows.is_array(data[:64].decode("utf-8-sig", "ignore")):
            yield from json_rows.array(data.decode("utf-8-sig"))
            return
        for line, raw in enumerate(data.split(b"\n"), 1):
            if raw.strip():
                yield line, json.loads(raw)
    except (ValueError, RecursionError) as error:
        what, line = (
            (f"{error.msg} at column {error.colno}", line - 1 + error.lineno)
            if isinstance(error, json.JSONDecodeError)
            else (error, line)
        )
        raise TrainingError(
            f"{file}, line {line}: it is not JSON: {what}; a file has one object a line, or is one array of objects"
        ) from error


def split(
    found: Sequence[Row], *, validation: float, seed: int, group: Callable[[Row], str] = attrgetter("group")
) -> tuple[list[Row], list[Row]]:
    """Rows for training and for validation; a group goes to one side whole, chosen by a hash of its name and the seed.

    Names that differ in case, spaces or width alone are of one group: the one that comes first is hashed.
    """
    names: dict[str, str] = {}

    def held(one: Row) -> bool:
        name = names.setdefault(group_key(group(one)), group(one))
        return int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:8], 16) < validation * 2**32

    sides: tuple[list[Row], list[Row]] = ([], [])
    for one in found:
        sides[held(one)].append(one)
    return sides


def pair(
    row: Mapping[str, Any],
    columns: PairColumns = NAMED,
    *,
    system: str = "",
    tidy: bool = False,
    style: Style = "brief",
) -> Pair:
    """One row of a file. Raises ValueError, TypeError, AttributeError or KeyError."""
    if {"facts", "copy"} <= row.keys():
        brief = Brief(
            language=row["language"],
            channel=row["channel"],
            tone=row["tone"],
            about=row["about"],
            product=tuple((str(name), str(value)) for name, value in row["facts"].items()),
            offer_title=row["offer"],
            stage=row["stage"],
            limit=LIMITS[row["language"]],
        )
        request = request_for(brief, candidates=1, style=style)
        turns = tuple({"role": one.role, "content": one.content} for one in request.messages)
        return Pair(
            prompt=turns,
            answer=shapes.text(row, "copy"),
            group=_group(row, columns, brief.about.lower()),
            language=brief.language,
        )
    before, answer = shapes.chat(row, columns, system=system)
    answer = clean(answer) if tidy and not {"messages", "conversations"} & row.keys() else answer
    return Pair(prompt=tuple(before), answer=answer, group=_group(row, columns, before[-1]["content"]))


def _group(row: Mapping[str, Any], columns: PairColumns, other: str) -> str:
    return other if row.get(columns.group) in (None, "") else str(row[columns.group])
