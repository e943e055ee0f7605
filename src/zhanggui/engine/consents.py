"""`engine.consents`: what customers agreed to and withdrew, from files and from calls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.engine.rejects import Count, Rejects
from zhanggui.profiles import consent
from zhanggui.profiles.consent_file import from_data, read_consents
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class ConsentsLoaded:
    """What became of a file's consents."""

    changed: int
    unchanged: int
    rejected: int
    rejects: Path | None
    """The reject file, if there is one."""


@dataclass(frozen=True, kw_only=True)
class Consents:
    """The consents of a shop's customers, on these channels."""

    database: Database
    channels: tuple[str, ...]
    rejects: Rejects
    clock: Callable[[], datetime]

    def load(self, path: Path, *, progress: Count = lambda _n: None) -> ConsentsLoaded:
        """Take in consents from JSON lines. Bad lines go to a reject file."""
        now = self.clock()
        with self.rejects.of(path) as rejects:
            good = list(read_consents(path, now=now, rejects=rejects, channels=self.channels))
        progress(len(good))
        with self.database.transaction() as connection:
            changed = consent.record(connection, good, now=now)
        return ConsentsLoaded(
            changed=changed, unchanged=len(good) - changed, rejected=rejects.count, rejects=rejects.written
        )

    def record(self, **fields: Any) -> bool:
        """Record one consent; True when it changed what held before. Raises ConsentError."""
        now = self.clock()
        with self.database.transaction() as connection:
            return bool(consent.record(connection, [from_data(fields, now=now, channels=self.channels)], now=now))
