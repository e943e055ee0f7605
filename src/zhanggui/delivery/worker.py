"""What all connections of one delivery share: the shop's stores and rules, the clock, and how a transaction is tried again."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery.leases import Leases
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.errors import StorageError
from zhanggui.events.log import EventLog
from zhanggui.storage import Database
from zhanggui.storage.db_errors import is_conflict
from zhanggui.touches.permit import PersonMovedError, Rules

_CONFLICTS = 50
"""So often a transaction is begun again, because another was quicker."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What only the maker of a message can say of it."""

    untrue: Callable[[sa.Connection, Message, datetime], str | None] = lambda _connection, _message, _now: None
    """What is no longer so of what it says, in the transaction that would let it go."""
    unpersonalised: Callable[[Message], Message | None] = lambda _message: None
    """What who has refused personalisation since it was planned gets instead."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One call of `deliver`."""

    database: Database
    rules: Rules
    events: EventLog
    checks: Checks
    settings: DeliverySettings
    leases: Leases
    clock: Callable[[], datetime]
    rng: random.Random
    sleep: Callable[[float], None]
    count: Callable[[str], None]
    stopping: threading.Event = field(default_factory=threading.Event)

    def transact(self, work: Callable[[sa.Connection], Answer]) -> Answer:
        """`work` in a transaction, begun again when a person was joined to another or another transaction was quicker."""
        for _ in range(_CONFLICTS):
            try:
                with self.database.transaction() as connection:
                    return work(connection)
            except PersonMovedError:
                continue
            except StorageError as error:
                if not is_conflict(error):
                    raise
        raise StorageError("another program changes the same rows again and again; try again later")
