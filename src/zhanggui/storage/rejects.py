"""Reject files: bad rows kept, with where they stood and why, so that nothing a shop gave us is lost.

Knows lines and reasons. Does not know what an event or a product is.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO

from zhanggui.errors import InputError

_RAW_LIMIT = 10_000


@dataclass(kw_only=True)
class RejectFile:
    """JSON lines, one a rejected row: source, line, field, problem, hint, raw. Written only when there is one.

    `raw` keeps the first 10,000 characters of the row as text; bytes that are not UTF-8 are escaped (\\xff).
    """

    path: Path
    keep: bool = False
    """A file that is there already stays: this one is numbered after it ("-2"), and `path` says so once it has a row."""
    count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._file: TextIO | None = None

    @property
    def written(self) -> Path | None:
        """The file, if there is one."""
        return self.path if self.count else None

    def add(self, error: InputError, raw: bytes | str) -> None:
        """Keep one row with the reason why it was refused."""
        if self._file is None:
            self._file = self._open()
        text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
        row = {
            "source": error.source,
            "line": error.line,
            "field": error.field,
            "problem": error.problem,
            "hint": error.hint,
            "raw": text[:_RAW_LIMIT],
        }
        self._file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n")
        self.count += 1
        self.reasons[error.problem] = self.reasons.get(error.problem, 0) + 1

    def _open(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.keep:
            return self.path.open("w", encoding="utf-8")
        named, number = self.path, 1
        while True:
            try:
                return self.path.open("x", encoding="utf-8")  # one step: another process may want the same name
            except FileExistsError:
                number += 1
                self.path = named.with_stem(f"{named.stem}-{number}")

    def __enter__(self) -> "RejectFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
