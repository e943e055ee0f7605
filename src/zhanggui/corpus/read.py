"""Reads documents from CSV, JSON, plain text and Parquet. A bad row goes to the reject file; the good ones go on."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from zhanggui.corpus import json_rows
from zhanggui.corpus.document import Document
from zhanggui.corpus.encoding import decode, is_broken, original
from zhanggui.errors import CorpusError
from zhanggui.storage import RejectFile

_LONGEST = 20_000
KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt", ".parquet")
"""Files that are read, by suffix; one without a suffix is taken for JSON lines."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns to read. Only `text` must be there."""

    text: str = "text"
    """The text."""
    id: str = ""
    """Its id; "" counts rows."""
    group: str = ""
    """What it is about; "" makes each text its own group."""
    label: str = ""
    """Its class."""
    topic: str = ""
    """Its topic, such as a category."""
    keep: tuple[str, ...] = ()
    """What else stays beside the text; personal data in it are masked."""
    attributes: str = ""
    """Facts of what it is about: an object of names and values, or `name#value*name#value`."""


@dataclass(kw_only=True)
class FileRead:
    """What was found in one file."""

    name: str
    encoding: str = "-"
    """"utf-8", "gb18030", "utf-16-le", "utf-16-be", "parquet" or "empty"."""
    texts: int = 0


def read(
    path: Path, columns: Columns, *, rejects: RejectFile, seen: set[str] | None = None, found: FileRead | None = None
) -> Iterator[Document]:
    """Documents in the order of the file. Raises CorpusError when the file as a whole cannot be read.

    `seen`: ids of the corpus so far; an id that is there already is refused. `found` is told what the file held, and
    names it in the documents' ids.
    """
    if taken := sorted({one.name for one in fields(Document)} & set(columns.keep)):
        raise CorpusError(
            f"the column {taken[0]!r} cannot be kept: every text has a field of that name",
            source=str(path),
            hint="rename it",
        )
    seen = set() if seen is None else seen
    found = found or FileRead(name=path.name)
    for line, row in _rows(path, columns, rejects, found):
        try:
            document = _document(found.name, line, row, columns)
            if document.document_id in seen:
                raise CorpusError(
                    "its id is there already",
                    field=columns.id,
                    hint=f"{document.document_id[:60]!r}; the first row of an id is kept",
                )
        except CorpusError as error:
            rejects.add(error.at(str(path), line), json.dumps(row, ensure_ascii=False, default=str))
            continue
        seen.add(document.document_id)
        found.texts += 1
        yield document


def pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Attributes as (name, value): of an object, a list of pairs, its JSON, or AdvertiseGen's `name#value*name#value`.

    Raises CorpusError for anything else.
    """
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise CorpusError("its attributes are not JSON", hint=str(error)) from error
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        parts = [part.partition("#") for part in value.split("*")]
        if any(not sign for _, sign, _ in parts):
            raise CorpusError("its attributes are no name#value*name#value", hint="or an object in JSON")
        return tuple((name.strip(), text.strip()) for name, _, text in parts if name.strip() and text.strip())
    items = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(items, list | tuple) or not all(isinstance(one, list | tuple) and len(one) == 2 for one in items):
        raise CorpusError("its attributes are neither an object nor a list of pairs")
    return tuple((str(name), str(text)) for name, text in items if text not in (None, ""))


def _document(name: str, line: int, row: Mapping[str, Any], columns: Columns) -> Document:
    def value(column: str) -> str:
        if not column:
            return ""
        if column not in row:
            raise CorpusError("the column is missing", field=column)
        return "" if row[column] is None else str(row[column])

    text = value(columns.text)
    if not text.strip():
        raise CorpusError("it is empty", field=columns.text)
    if len(text) > _LONGEST:
        raise CorpusError(
            f"it is longer than {_LONGEST:,} characters", field=columns.text, hint=f"it has {len(text):,}; divide it"
        )
    identity = value(columns.id) or f"{name}-{line}"
    attributes: tuple[tuple[str, str], ...] = ()
    if columns.attributes and value(columns.attributes):
        attributes = pairs(row[columns.attributes])
    return Document(
        document_id=identity,
        text=text,
        group=value(columns.group).strip() or identity,
        label=value(columns.label),
        topic=value(columns.topic),
        attributes=attributes,
        source=f"{name}:{line}",
        kept=tuple((column, value(column)) for column in columns.keep),
    )


def _rows(
    path: Path, columns: Columns, rejects: RejectFile, found: FileRead
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    suffix = path.suffix.lower()
    if suffix and suffix not in KINDS:
        raise CorpusError(
            f"files of the kind {suffix} are not read",
            source=str(path),
            hint=f"read are {', '.join(KINDS)}; unpack or convert it",
        )
    try:
        if suffix == ".parquet":
            found.encoding = "parquet"
            yield from _parquet(path)
            return
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    text, found.encoding = decode(data)
    if suffix in (".csv", ".tsv"):
        yield from _csv(text, path, rejects)
    elif suffix == ".txt":
        yield from _texts(text, path, columns, rejects)
    elif suffix == ".json" and json_rows.is_array(text):
        yield from _array(text, path, rejects)
    else:
        yield from _jsonl(text, path, rejects)


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise CorpusError(f"it is not Parquet: {error}", source=str(path)) from error
    line = 0
    for batch in file.iter_batches(10_000):
        for row in batch.to_pylist():
            line += 1
            yield line, row


_NOT_DECODED = CorpusError(
    "it has bytes that are not in the file's encoding", hint="save the file as UTF-8; bytes are kept as they stood"
)


def _jsonl(text: str, path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        if is_broken(raw):
            rejects.add(_NOT_DECODED.at(str(path), line), original(raw))
            continue
        try:
            row = json.loads(raw)
        except (ValueError, RecursionError) as error:
            rejects.add(CorpusError("it is not JSON", hint=str(error)).at(str(path), line), raw)
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            rejects.add(CorpusError("it is not an object").at(str(path), line), raw)


def _array(text: str, path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        for line, row in json_rows.array(text):
            raw = json.dumps(row, ensure_ascii=False)
            if not isinstance(row, dict):
                rejects.add(CorpusError("it is not an object").at(str(path), line), raw)
            elif is_broken(raw):
                rejects.add(_NOT_DECODED.at(str(path), line), original(raw))
            else:
                yield line, row
    except RecursionError as error:
        raise CorpusError("it is nested too deeply to be read", source=str(path)) from error
    except json.JSONDecodeError as error:
        raise CorpusError(
            f"its JSON is broken here: {error.msg}",
            source=str(path),
            line=error.lineno,
            hint="was it cut off? Of JSON lines, one object a line, the good ones would be read",
        ) from error


def _texts(text: str, path: Path, columns: Columns, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    named = [name for name, column in asdict(columns).items() if column and name != "text"]
    if named:
        raise CorpusError(
            "a .txt file holds texts, one a line, and no other column",
            source=str(path),
            hint=f"leave out {named[0]}, or bring CSV or JSON lines",
        )
    for line, raw in enumerate(text.split("\n"), 1):
        if is_broken(raw):
            rejects.add(_NOT_DECODED.at(str(path), line), original(raw))
        elif raw.strip():
            yield line, {columns.text: raw}


def _csv(text: str, path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(100_000_000)
    lines = csv.DictReader(
        io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=False
    )
    start = lines.line_num + 1
    for row in lines:
        line, start = start + (1 if start == 1 else 0), lines.line_num + 1
        if None in row or any(value is None for value in row.values()):
            hint = "is a quotation mark missing?"
            if start - line > 100:
                hint = f"a quotation mark opens here and {start - line:,} lines went into this one row; close it"
            problem = CorpusError("it has another number of columns than the header", hint=hint)
            rejects.add(problem.at(str(path), line), str(row).encode("utf-8", "backslashreplace"))
        elif any(is_broken(value) for value in row.values()):
            rejects.add(_NOT_DECODED.at(str(path), line), original(",".join(row.values())))
        else:
            yield line, row
