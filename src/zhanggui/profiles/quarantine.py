"""The customers whose events cannot be computed, each with the reason, so that everybody else goes on."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

FILE = "quarantine.jsonl"
UNCOMPUTABLE = (duckdb.DataError, duckdb.InvalidInputException, duckdb.OutOfRangeException, pa.ArrowInvalid)
"""What events can make a computation fail with; not what a disk, a file or the memory does."""
_MOST = 100
"""From so many on it is not the customers."""


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A customer without a profile, and why."""

    customer_id: str
    reason: str


def uncomputable(
    customer_ids: Iterable[str], compute: Callable[[Iterable[str]], Iterator[pa.Table]], error: Exception
) -> list[Quarantined]:
    """Who of these makes `compute` fail, found by halves. Raises `error` when it is none of them, or too many."""
    found: list[Quarantined] = []
    parts = [sorted(customer_ids)]
    while parts:
        part = parts.pop()
        if (reason := _failure(part, compute)) is None:
            continue
        if len(part) < 2:
            found.extend(Quarantined(customer_id=one, reason=reason) for one in part)
            if not part or len(found) > _MOST:
                raise error
            continue
        middle = len(part) // 2
        parts += [part[middle:], part[:middle]]
    if not found:
        raise error
    return found


def quarantined(folder: Path) -> tuple[Quarantined, ...]:
    """The customers that the snapshot in `folder` had to leave out."""
    path = folder / FILE
    if not path.exists():
        return ()
    return tuple(Quarantined(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def _failure(customer_ids: Iterable[str], compute: Callable[[Iterable[str]], Iterator[pa.Table]]) -> str | None:
    try:
        for _ in compute(customer_ids):
            pass
    except UNCOMPUTABLE as error:
        return f"its events cannot be computed: {str(error).partition(chr(10))[0][:300]}"
    return None
