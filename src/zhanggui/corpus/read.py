"""Reads documents from CSV, JSONL and Parquet. A bad row goes to the reject file; the good ones go on."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhanggui.corpus.document import Document
from zhanggui.errors import CorpusError
from zhanggui.storage import RejectFile

_LONGEST = 20_000


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
    keep: tuple[str, ...] = ()
    """What else stays beside the text, as it comes."""


def read(path: Path, columns: Columns, *, rejects: RejectFile) -> Iterator[Document]:
    """Documents in the order of the file. Raises CorpusError when the file as a whole cannot be read."""
    seen: set[str] = set()
    for line, row in _rows(path, rejects):
        try:
            document = _document(path, line, row, columns)
            if document.document_id in seen:
                raise CorpusError(f"the id {document.document_id!r} is there twice", field=columns.id)
        except CorpusError as error:
            rejects.add(error.at(str(path), line), json.dumps(row, ensure_ascii=False, default=str))
            continue
        seen.add(document.document_id)
        yield document


def _document(path: Path, line: int, row: Mapping[str, Any], columns: Columns) -> Document:
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
        raise CorpusError(f"it has {len(text):,} characters, {_LONGEST:,} are allowed", field=columns.text)
    identity = value(columns.id) or f"{path.stem}-{line}"
    return Document(
        document_id=identity,
        text=text,
        group=value(columns.group) or identity,
        label=value(columns.label),
        source=f"{path.name}:{line}",
        kept={column: value(column) for column in columns.keep},
    )


def _rows(path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path)
            return
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    yield from _csv(data, path, rejects) if path.suffix in (".csv", ".tsv") else _jsonl(data, path, rejects)


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


def _jsonl(data: bytes, path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            rejects.add(CorpusError(f"it is not JSON in UTF-8: {error}").at(str(path), line), raw)
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            rejects.add(CorpusError("it is not an object").at(str(path), line), raw)


def _csv(data: bytes, path: Path, rejects: RejectFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(100_000_000)
    text = data.decode("utf-8-sig", "replace").replace("\x00", "")
    lines = csv.DictReader(
        io.StringIO(text, newline=""), delimiter="\t" if path.suffix == ".tsv" else ",", strict=False
    )
    start = lines.line_num + 1
    for row in lines:
        line, start = start + (1 if start == 1 else 0), lines.line_num + 1
        if None in row or any(value is None for value in row.values()):
            problem = CorpusError("it has another number of columns than the header")
            rejects.add(problem.at(str(path), line), str(row))
        elif any("\ufffd" in value for value in row.values()):
            problem = CorpusError("it has bytes that are not UTF-8", hint="save the file as UTF-8")
            rejects.add(problem.at(str(path), line), str(row))
        else:
            yield line, row
