"""How fast a channel goes: several connections, rates, and rests that the other side asked for. Knows no message.

Rates and rests stand in the database, so that all workers keep them together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, insert, metadata

paces = sa.Table(
    "channel_paces",
    metadata,
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("scope", sa.String(255), primary_key=True),
    sa.Column("next_at", UtcTime, nullable=False),
)
_REST, _ALL = "rest", "all"
_RESTING = sa.select(paces.c.next_at).where(
    paces.c.channel == sa.bindparam("channel"), paces.c.scope == _REST, paces.c.next_at > sa.bindparam("now")
)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a channel may go; rates hold for all workers together, connections for each."""

    connections: int = 1
    """Messages on their way at a time: a server that takes its time for each reply is asked by so many at once."""
    per_second: float = 0.0
    """At most so many messages a second; 0 for no limit."""
    per_domain_per_second: float = 0.0
    """At most so many a second to the mailboxes of one domain; 0 for no limit."""

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise ValueError(f"connections is {self.connections}: at least 1 is needed to send anything")


def rest(connection: sa.Connection, channel: str, *, until: datetime) -> None:
    """Let nothing go through a channel before `until`; a longer rest that was asked for before stays."""
    row = {"channel": channel, "scope": _REST, "next_at": until}
    longer = insert(connection, paces).values(row)
    connection.execute(
        longer.on_conflict_do_update(
            index_elements=["channel", "scope"],
            set_={"next_at": longer.excluded.next_at},
            where=paces.c.next_at < longer.excluded.next_at,
        )
    )


def resting_until(connection: sa.Connection, channel: str, *, now: datetime) -> datetime | None:
    """When a channel's rest ends; None when it does not rest at `now`."""
    return connection.execute(_RESTING, {"channel": channel, "now": now}).scalar()


def slot(connection: sa.Connection, channel: str, domain: str, *, pace: Pace, now: datetime) -> datetime:
    """Take the next moment at which a message to `domain` may go through a channel; nobody else gets the same one."""
    moment = now
    for scope, rate in ((_ALL, pace.per_second), (f"domain:{domain}", pace.per_domain_per_second)):
        if rate > 0 and not (scope != _ALL and not domain):
            moment = max(moment, _slot(connection, channel, scope, now=now, every=timedelta(seconds=1 / rate)))
    return moment


def _slot(connection: sa.Connection, channel: str, scope: str, *, now: datetime, every: timedelta) -> datetime:
    first = insert(connection, paces).values(channel=channel, scope=scope, next_at=now + every)
    step = every // timedelta(microseconds=1)
    free = sa.type_coerce(paces.c.next_at, sa.BigInteger)
    begun = sa.type_coerce(first.excluded.next_at, sa.BigInteger) - step
    taken = first.on_conflict_do_update(
        index_elements=["channel", "scope"],
        set_={"next_at": sa.case((free > begun, free), else_=begun) + step},
    ).returning(paces.c.next_at)
    return connection.execute(taken).scalar_one() - every  # type: ignore[no-any-return]


def domain_of(address: str) -> str:
    """The receiving domain of a mailbox; "" for what is none."""
    return address.rpartition("@")[2].strip().lower() if "@" in address else ""
