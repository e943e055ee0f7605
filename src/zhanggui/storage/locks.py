"""Locks by name that last until a transaction ends. Knows not what they guard.

PostgreSQL: advisory locks by two integers (migrations hold one by one integer). SQLite: a transaction holds the whole
database already. Order everywhere: these locks, then rows of the outbox, then the position of the event log.
"""

import hashlib
import struct
from collections.abc import Iterable

import sqlalchemy as sa

_HOLD = sa.text(
    "SELECT pg_advisory_xact_lock(one, two) FROM unnest(CAST(:ones AS int[]), CAST(:twos AS int[])) AS keys (one, two)"
)


def hold(connection: sa.Connection, keys: Iterable[str]) -> bool:
    """Wait until nobody else holds any of `keys`, then hold them all; whether others may have written meanwhile.

    Taken in one order, so that no two transactions wait for each other.
    """
    if connection.dialect.name == "sqlite":
        return False
    pairs = sorted({numbers(key) for key in keys})
    connection.execute(_HOLD, {"ones": [one for one, _ in pairs], "twos": [two for _, two in pairs]})
    return True


def numbers(key: str) -> tuple[int, int]:
    """The two integers that stand for a key."""
    one, two = struct.unpack(">ii", hashlib.blake2b(key.encode(), digest_size=8).digest())
    return one, two
