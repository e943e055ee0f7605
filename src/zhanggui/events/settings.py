"""The knobs of the event log, with safe defaults. Knows no file and no table."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """What is accepted as an event, and how the log keeps house."""

    currency: str = "CNY"
    """Currency (ISO 4217) of amounts whose event names none."""
    dedupe_days: int = 30
    """A messageId is remembered at least this long; a second event with it is a duplicate."""
    max_message_bytes: int = 32 * 1024
    """Largest message, as UTF-8 JSON (Segment's limit)."""
    max_batch_bytes: int = 500 * 1024
    """Largest batch (Segment's limit)."""
    max_depth: int = 16
    """Deepest nesting of properties, traits and context."""
    future_hours: float = 24.0
    """An event dated at most this far after its receipt is dated to its receipt; beyond, it is rejected."""
    earliest_year: int = 2000
    """An event dated before this year is rejected: a device whose clock was never set."""
    compact_rows: int = 50_000
    """How many events compaction moves in one transaction."""
    merge_files: int = 8
    """A day with this many files is rewritten as one."""
    retire_hours: float = 24.0
    """A file that was replaced is kept this long for readers that still hold it."""
