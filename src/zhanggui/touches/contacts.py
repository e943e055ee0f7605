"""Whom we contacted when, and which addresses must not be used again. Counts and remembers; forbids nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.profiles.address import normalise
from zhanggui.storage.database import UtcTime, insert, metadata
from zhanggui.touches.touch import Touch

_CHUNK = 5_000

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("touch_id", sa.String(40), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("customer_id", sa.String(256), nullable=False),
    sa.Column("address", sa.String(512), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("ix_contacts_customer_id", "customer_id", "at"),
    sa.Index("ix_contacts_address", "address", "at"),
)
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address", sa.String(512), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
suppression_changes = sa.Table(
    "suppression_changes",
    metadata,
    sa.Column("address", sa.String(512), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("at", UtcTime, primary_key=True),
    sa.Column("suppressed", sa.Boolean, primary_key=True),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("by", sa.String(300), nullable=False),
)
# Asked for every handful of messages, and so built once.
_CONTACTED = sa.select(contacts.c.touch_id).where(contacts.c.touch_id.in_(sa.bindparam("touch_ids")))
_EVER_AT = sa.select(contacts).where(
    contacts.c.address.in_(sa.bindparam("addresses")), contacts.c.channel == sa.bindparam("channel")
)
_RECENT = sa.select(contacts).where(
    contacts.c.purpose == "marketing", contacts.c.at > sa.bindparam("since"), contacts.c.at <= sa.bindparam("until")
)
_OF_CUSTOMERS = _RECENT.where(contacts.c.customer_id.in_(sa.bindparam("sought")))
_AT_ADDRESSES = _RECENT.where(contacts.c.address.in_(sa.bindparam("sought")))
_SUPPRESSED = sa.select(suppressions.c.address, suppressions.c.reason).where(
    suppressions.c.channel == sa.bindparam("channel"), suppressions.c.address.in_(sa.bindparam("addresses"))
)
_COUNT_IN = sa.text(
    "INSERT INTO contacts (touch_id, channel, customer_id, address, purpose, at)"
    " VALUES (:touch_id, :channel, :customer_id, :address, :purpose, :at)"
    " ON CONFLICT (touch_id, channel) DO UPDATE SET at = excluded.at"
).bindparams(sa.bindparam("at", type_=UtcTime))
BY_DELIVERY = "delivery"
"""Who suppresses an address that bounced."""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """That a touch led to a message on a channel, which may have reached somebody."""

    touch_id: str
    channel: str
    customer_id: str
    """As the touch was planned."""
    address: str
    """Normalised."""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SuppressionChange:
    """An address was suppressed, or that was lifted."""

    at: datetime
    suppressed: bool
    reason: str
    by: str


def record(connection: sa.Connection, made: Sequence[tuple[Touch, str]], *, channel: str, at: datetime) -> None:
    """Remember contacts on a channel, each a touch and an address. The same touch on the same channel again is the same
    contact, at its latest moment.
    """
    rows = [
        {
            "touch_id": touch.touch_id,
            "channel": channel,
            "customer_id": touch.customer_id,
            "address": normalise(channel, address),
            "purpose": touch.purpose,
            "at": at,
        }
        for touch, address in made
    ]
    connection.execute(_COUNT_IN, rows)


def forget(connection: sa.Connection, touch_ids: Sequence[str], *, channel: str) -> None:
    """Messages that the other side has surely not taken were no contacts."""
    connection.execute(sa.delete(contacts).where(contacts.c.touch_id.in_(touch_ids), contacts.c.channel == channel))


def of_customers(
    connection: sa.Connection, customer_ids: Sequence[str], *, since: datetime, until: datetime
) -> list[Contact]:
    """Marketing contacts of these customers with since < at <= until."""
    return _marketing(connection, _OF_CUSTOMERS, customer_ids, since=since, until=until)


def at_addresses(
    connection: sa.Connection, channel: str, addresses: Sequence[str], *, since: datetime, until: datetime
) -> list[Contact]:
    """Marketing contacts on `channel` at these normalised addresses with since < at <= until."""
    rows = _marketing(connection, _AT_ADDRESSES, addresses, since=since, until=until)
    return [contact for contact in rows if contact.channel == channel]


def counts(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    channel: str | None = None,
) -> dict[str, int]:
    """Marketing contacts with since < at <= until, of one channel or of all; customers without any are left out."""
    return _counts(connection, contacts.c.customer_id, customer_ids, since=since, until=until, channel=channel)


def counts_at(
    connection: sa.Connection, channel: str, addresses: Sequence[str], *, since: datetime, until: datetime
) -> dict[str, int]:
    """Marketing contacts on `channel` by normalised address with since < at <= until; addresses without any are left out."""
    return _counts(connection, contacts.c.address, addresses, since=since, until=until, channel=channel)


def contacted(connection: sa.Connection, touch_ids: Sequence[str]) -> set[str]:
    """Which of these touches have led to a contact, on any channel."""
    return set(connection.scalars(_CONTACTED, {"touch_ids": touch_ids})) if touch_ids else set()


def ever_at(connection: sa.Connection, channel: str, addresses: Sequence[str]) -> list[Contact]:
    """All contacts on `channel` at these normalised addresses, of every purpose and age."""
    rows = connection.execute(_EVER_AT, {"addresses": addresses, "channel": channel})
    return [_contact(row) for row in rows]


def _counts(
    connection: sa.Connection,
    key: sa.Column[str],
    values: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    channel: str | None,
) -> dict[str, int]:
    counted: dict[str, int] = {}
    for start in range(0, len(values), _CHUNK):
        query = sa.select(key, sa.func.count()).where(
            key.in_(values[start : start + _CHUNK]),
            contacts.c.purpose == "marketing",
            contacts.c.at > since,
            contacts.c.at <= until,
        )
        if channel is not None:
            query = query.where(contacts.c.channel == channel)
        counted.update((value, int(count)) for value, count in connection.execute(query.group_by(key)))
    return counted


def _marketing(
    connection: sa.Connection, query: sa.Select[Any], values: Sequence[str], *, since: datetime, until: datetime
) -> list[Contact]:
    chosen: list[Contact] = []
    for start in range(0, len(values), _CHUNK):
        window = {"sought": values[start : start + _CHUNK], "since": since, "until": until}
        chosen.extend(_contact(row) for row in connection.execute(query, window))
    return chosen


def _contact(row: sa.Row[Any]) -> Contact:
    return Contact(
        touch_id=row.touch_id, channel=row.channel, customer_id=row.customer_id, address=row.address, at=row.at
    )


def suppress(
    connection: sa.Connection, *, channel: str, address: str, reason: str, at: datetime, by: str = BY_DELIVERY
) -> bool:
    """Never use this address again (it bounced, or its owner complained). True when it was in use until now."""
    done = connection.execute(
        insert(connection, suppressions)
        .values(channel=channel, address=normalise(channel, address), reason=reason[:200], at=at)
        .on_conflict_do_nothing()
        .returning(suppressions.c.address)  # PostgreSQL's driver does not count the rows of an INSERT
    )
    changed = done.first() is not None
    if changed:
        _note(connection, channel, address, suppressed=True, reason=reason, by=by, at=at)
    return changed


def lift(connection: sa.Connection, *, channel: str, address: str, reason: str, at: datetime, by: str) -> bool:
    """Let an address be used again; true when it was suppressed until now. This is no consent."""
    done = connection.execute(
        sa.delete(suppressions).where(
            suppressions.c.channel == channel, suppressions.c.address == normalise(channel, address)
        )
    )
    if done.rowcount:
        _note(connection, channel, address, suppressed=False, reason=reason, by=by, at=at)
    return bool(done.rowcount)


def changes(connection: sa.Connection, *, channel: str, address: str) -> list[SuppressionChange]:
    """Every time that an address was suppressed or that was lifted, latest first."""
    table = suppression_changes
    query = sa.select(table).where(table.c.channel == channel, table.c.address == normalise(channel, address))
    return [
        SuppressionChange(at=row.at, suppressed=row.suppressed, reason=row.reason, by=row.by)
        for row in connection.execute(query.order_by(table.c.at.desc(), table.c.suppressed))
    ]


def suppressed(connection: sa.Connection, channel: str, addresses: Sequence[str]) -> dict[str, str]:
    """Address -> reason, for those of `addresses` that must not be used."""
    kept = {one: normalise(channel, one) for one in addresses}
    wanted = sorted(set(kept.values()))
    reasons: dict[str, str] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        rows = connection.execute(_SUPPRESSED, {"channel": channel, "addresses": chunk})
        reasons.update((row.address, row.reason) for row in rows)
    return {one: reasons[form] for one, form in kept.items() if form in reasons}


def _note(
    connection: sa.Connection, channel: str, address: str, *, suppressed: bool, reason: str, by: str, at: datetime
) -> None:
    connection.execute(
        insert(connection, suppression_changes)
        .values(
            channel=channel,
            address=normalise(channel, address),
            at=at,
            suppressed=suppressed,
            reason=reason[:200],
            by=by[:300],
        )
        .on_conflict_do_nothing()
    )
