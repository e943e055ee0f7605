"""`engine.events`: what happened, from files and from batch calls; who is who is learned from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.engine.rejects import Count, Rejects
from zhanggui.errors import EventError
from zhanggui.events.compact import CompactResult, compact
from zhanggui.events.event import Trust
from zhanggui.events.ingest import ingest_file
from zhanggui.events.log import EventLog
from zhanggui.events.segment import parse_batch


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What became of a file's events."""

    stored: int
    duplicates: int
    rejected: int
    rejects: Path | None
    """The reject file, if there is one."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What became of a batch call's messages."""

    stored: int
    duplicates: int
    errors: tuple[EventError, ...]
    """One for each bad message."""


@dataclass(frozen=True, kw_only=True)
class Events:
    """The event log of a shop, and what is learned as it grows."""

    log: EventLog
    rejects: Rejects
    clock: Callable[[], datetime]

    def ingest(self, path: Path, *, progress: Count = lambda _n: None) -> Ingested:
        """Take in a file of Segment messages; learn who is who from it. Bad lines go to a reject file."""
        done = 0

        def tell(lines: int) -> None:
            nonlocal done
            progress(lines - done)
            done = lines

        with self.rejects.of(path) as rejects:
            result = ingest_file(path, self.log, now=self.clock(), rejects=rejects, progress=tell)
        return Ingested(
            stored=result.stored, duplicates=result.duplicates, rejected=rejects.count, rejects=rejects.written
        )

    def collect(self, batch: Mapping[str, Any], *, trust: Trust = "server") -> Collected:
        """Take in a batch call of the Segment spec, sent with a key of such `trust`. Good messages are kept; the errors name
        the bad ones.
        """
        now = self.clock()
        events, errors = parse_batch(batch, received_at=now, settings=self.log.settings, trust=trust)
        with self.log.database.transaction() as connection:
            result = self.log.append(connection, events, now=now)
        return Collected(stored=result.stored, duplicates=result.duplicates, errors=tuple(errors))

    def compact(self) -> CompactResult:
        """Move hot events into Parquet."""
        return compact(self.log, now=self.clock())
