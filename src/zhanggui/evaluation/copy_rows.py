"""Reads rows of copy to evaluate: what was asked for, maybe a reference, and the text of each system. JSON lines.

Row k of every file belongs together. A row that is bad in one file is left out for all systems, and kept with its reason.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.source import FIELDS, Source, from_row, language_of, vocabulary
from zhanggui.storage import RejectFile

REFERENCE = "reference"
"""The name of the column of references among those of the systems."""
_TEXT = ("text", "prediction", "answer", "copy", "summary")
_REFERENCE = ("reference", "summary", "copy")
_LONGEST = 20_000
_Raw = list[tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True)
class CopyRow:
    """One thing to write and what each system wrote."""

    place: str
    """File and line."""
    language: str
    """"zh" or "en"."""
    source: Source | None
    reference: str | None
    texts: Mapping[str, str]
    """By the system's name. An empty text is one: it says nothing and scores nothing."""


def read(
    files: Sequence[Path], reference: Path | None, *, rejects: RejectFile, chars: int | None = None
) -> list[CopyRow]:
    """Rows of one file a system; with `reference`, what was asked for and the references come from there.

    A system's text is in `text`, `prediction`, `answer`, `copy` or `summary`; what was asked for in the fields of
    `source.from_row`; a reference in `reference`, or in `summary` or `copy` of the reference file. `chars` cuts texts and
    references. Raises EvaluationError when a file cannot be read, the files differ in length or no good row is left.
    """
    lines = {path: _lines(path) for path in dict.fromkeys([*([reference] if reference else []), *files])}
    first = reference or files[0]
    for path, found in lines.items():
        if len(found) != len(lines[first]):
            raise EvaluationError(
                f"it has {len(found)} rows, {first} has {len(lines[first])}",
                source=str(path),
                hint="row k of each file must belong to one source",
            )
    named = _names(files)
    rows = []
    for number in range(len(lines[first])):
        row = _row(number, lines, named, first, apart=reference is not None, rejects=rejects, chars=chars)
        if row is not None:
            rows.append(row)
    if not rows:
        raise EvaluationError("it has no row that can be evaluated", source=str(first), hint=_why(rejects))
    return rows


def read_vocabulary(path: Path, *, rejects: RejectFile) -> frozenset[str]:
    """The attribute values of a file's sources. Raises EvaluationError when it cannot be read or has none."""
    sources = []
    for line, raw in _lines(path):
        try:
            found = from_row(_object(raw))
        except EvaluationError as error:
            rejects.add(error.at(str(path), line), raw)
            continue
        if found is not None:
            sources.append(found)
    values = vocabulary(sources)
    if not values:
        raise EvaluationError("it names no attribute", source=str(path), hint="rows with content, facts or attributes")
    return values


def _row(
    number: int,
    lines: Mapping[Path, _Raw],
    named: Mapping[str, Path],
    first: Path,
    *,
    apart: bool,
    rejects: RejectFile,
    chars: int | None,
) -> CopyRow | None:
    path, (line, raw) = first, lines[first][number]
    try:
        head = _object(raw)
        language = head.get("language", "")
        if language not in ("", "zh", "en"):
            raise EvaluationError(f"it is {language!r}", field="language", hint='"zh" or "en"')
        source = from_row(head, language=language)
        wanted = _first(head, _REFERENCE if apart else _REFERENCE[:1])
        texts = {}
        for name, file in named.items():
            path, (line, raw) = file, lines[file][number]
            row = _object(raw)
            text = _first(row, _TEXT)
            if text is None:
                raise EvaluationError("it has no text", field=_TEXT[0], hint=f"or {', '.join(_TEXT[1:])}")
            if source is not None and any(field in row for field in FIELDS):
                mine = from_row(row, language=language)
                if mine is not None and mine.text != source.text:
                    problem = f"it was written for another row than row {number + 1} of {first}"
                    raise EvaluationError(problem, hint="are the files in the same order?")
            texts[name] = text[:chars]
    except EvaluationError as error:
        rejects.add(error.at(str(path), line), raw)
        return None
    return CopyRow(
        place=f"{first.name}:{lines[first][number][0]}",
        language=language or (source.brief.language if source else language_of(wanted or " ".join(texts.values()))),
        source=source,
        reference=wanted if wanted is None else wanted[:chars],
        texts=texts,
    )


def _lines(path: Path) -> _Raw:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvaluationError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    found = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    return [(line, raw) for line, raw in found if raw.strip()]


def _object(raw: bytes) -> dict[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"it is not JSON in UTF-8: {error}") from error
    if not isinstance(row, dict):
        raise EvaluationError("it is not an object")
    return row


def _first(row: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    field = next((one for one in fields if row.get(one) is not None), None)
    if field is None:
        return None
    value = row[field]
    if not isinstance(value, str):
        raise EvaluationError("it is not a text", field=field)
    if len(value) > _LONGEST:
        raise EvaluationError(f"it has {len(value):,} characters, {_LONGEST:,} are allowed", field=field)
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise EvaluationError("it has half of a surrogate pair", field=field, hint="write it as UTF-8")
    return value


def _names(files: Sequence[Path]) -> dict[str, Path]:
    """Each system by its file's name, or by its whole path where names are alike."""
    stems = [path.stem for path in files]
    return {path.stem if stems.count(path.stem) == 1 and path.stem != REFERENCE else str(path): path for path in files}


def _why(rejects: RejectFile) -> str:
    return "; ".join(f"{count} rows: {reason}" for reason, count in list(rejects.reasons.items())[:3])
