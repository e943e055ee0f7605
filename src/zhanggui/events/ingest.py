"""Reads files of Segment messages, one JSON object a line, plain or gzipped, into the log.

A bad line goes to the reject file with its line, field and reason; the good ones go on. Safe to run again
after a crash: messageIds keep what was stored from being stored twice. Does not know what an event means.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from zhanggui.errors import EventError
from zhanggui.events.log import EventLog
from zhanggui.events.rows import row
from zhanggui.events.segment import parse_json
from zhanggui.storage.rejects import RejectFile

_CHUNK = 5_000  # events a transaction
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class IngestResult:
    """What became of the lines of a file; blank lines are not counted."""

    stored: int
    duplicates: int
    rejected: int


def ingest_file(
    path: Path,
    log: EventLog,
    *,
    now: datetime,
    rejects: RejectFile,
    progress: Callable[[int], None] | None = None,
) -> IngestResult:
    """Append the messages of a JSONL file (`.gz` or not, by its first bytes).

    A message's own `receivedAt` counts as its receipt, else `now`. `progress` hears how many lines were read
    so far. Raises EventError when the file cannot be opened.
    """
    stored = duplicates = rejected = line_number = 0
    pending: list[dict[str, Any]] = []

    def flush() -> None:
        nonlocal stored, duplicates
        if pending:
            with log.database.transaction() as connection:
                result = log.append_rows(connection, pending, now=now)
            stored += result.stored
            duplicates += result.duplicates
            pending.clear()
        if progress is not None:
            progress(line_number)

    limit = log.settings.max_message_bytes
    with _open(path) as file:
        for line_number, line in _lines(file, limit):
            if isinstance(line, EventError):
                rejects.add(line.at(str(path), line_number), b"")
                rejected += 1
                continue
            try:
                event, commerce = parse_json(line, received_at=now, archived=True, settings=log.settings)
            except EventError as error:
                rejects.add(error.at(str(path), line_number), line)
                rejected += 1
            else:
                pending.append(row(event, commerce))
                if len(pending) == _CHUNK:
                    flush()
        flush()
    return IngestResult(stored=stored, duplicates=duplicates, rejected=rejected)


def _open(path: Path) -> IO[bytes]:
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        return gzip.open(path, "rb") if gzipped else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise EventError(f"cannot be opened: {error.strerror}", source=str(path)) from error


def _lines(file: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | EventError]]:
    """Numbered lines without their end, blank ones left out; of one beyond `limit` just enough to refuse it."""
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(limit + 2)
            if len(line) == limit + 2 and not line.endswith(b"\n"):
                # Never held whole: it may be gigabytes.
                while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                    pass
                yield number, line
                continue
        except (EOFError, OSError, zlib.error):
            yield number, EventError("the compressed file is damaged from here", hint="fetch it again")
            return
        if not line:
            return
        if number == 1:
            line = line.removeprefix(_BOM)
        line = line.strip(b" \t\r\n")
        if line:
            yield number, line
