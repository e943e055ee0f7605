"""Where a loaded file's bad rows go. Knows no kind of row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zhanggui.storage import RejectFile

Count = Callable[[int], None]
"""Told how many more rows have been read."""


@dataclass(frozen=True, kw_only=True)
class Rejects:
    """The reject files of a shop."""

    folder: Path
    clock: Callable[[], datetime]

    def of(self, path: Path) -> RejectFile:
        """The reject file of one load of `path`; it is written with its first row."""
        return RejectFile(path=self.folder / f"{path.name}-{self.clock():%Y%m%dT%H%M%S}.jsonl", keep=True)
