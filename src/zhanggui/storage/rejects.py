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
    count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._file: TextIO | None = None

    def add(self, error: InputError, raw: bytes | str) -> None:
        """Keep one row with the reason why it was refused."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
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

    def __enter__(self) -> "RejectFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
