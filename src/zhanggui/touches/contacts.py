"""Whom we contacted when, and which addresses must not be used again. Counts and remembers; forbids nothing."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, insert, metadata

_CHUNK = 5_000

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("message_id", sa.String(128), primary_key=True),
    sa.Column("channel", sa.String(63), nullable=False),
    sa.Column("purpose", sa.String(63), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("ix_contacts_customer_id", "customer_id", "at"),
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
_APART = re.compile(r"\(0\)|[\s().\-\u2010-\u2015/]")
BY_DELIVERY = "delivery"
"""Who suppresses an address that bounced."""


@dataclass(frozen=True, kw_only=True)
class SuppressionChange:
    """An address was suppressed, or that was lifted."""

    at: datetime
    suppressed: bool
    reason: str
    by: str


def record(
    connection: sa.Connection, *, customer_id: str, message_id: str, channel: str, purpose: str, at: datetime
) -> None:
    """Remember a contact. The same message again is the same contact."""
    connection.execute(
        insert(connection, contacts)
        .values(customer_id=customer_id, message_id=message_id, channel=channel, purpose=purpose, at=at)
        .on_conflict_do_nothing()
    )


def forget(connection: sa.Connection, *, customer_id: str, message_id: str) -> None:
    """A message that was refused by the other side was no contact."""
    connection.execute(
        sa.delete(contacts).where(contacts.c.customer_id == customer_id, contacts.c.message_id == message_id)
    )


def counts(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    channel: str | None = None,
    except_message: str | None = None,
) -> dict[str, int]:
    """Marketing contacts with since < at <= until, of one channel or of all; customers without any are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(customer_ids), _CHUNK):
        query = sa.select(contacts.c.customer_id, sa.func.count()).where(
            contacts.c.customer_id.in_(customer_ids[start : start + _CHUNK]),
            contacts.c.purpose == "marketing",
            contacts.c.at > since,
            contacts.c.at <= until,
        )
        if channel is not None:
            query = query.where(contacts.c.channel == channel)
        if except_message is not None:
            query = query.where(contacts.c.message_id != except_message)
        found.update((who, int(count)) for who, count in connection.execute(query.group_by(contacts.c.customer_id)))
    return found


def suppress(
    connection: sa.Connection, *, channel: str, address: str, reason: str, at: datetime, by: str = BY_DELIVERY
) -> bool:
    """Never use this address again (it bounced, or its owner complained). True when it was in use until now."""
    done = connection.execute(
        insert(connection, suppressions)
        .values(channel=channel, address=_kept(channel, address), reason=reason[:200], at=at)
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
            suppressions.c.channel == channel, suppressions.c.address == _kept(channel, address)
        )
    )
    if done.rowcount:
        _note(connection, channel, address, suppressed=False, reason=reason, by=by, at=at)
    return bool(done.rowcount)


def changes(connection: sa.Connection, *, channel: str, address: str) -> list[SuppressionChange]:
    """Every time that an address was suppressed or that was lifted, latest first."""
    table = suppression_changes
    query = sa.select(table).where(table.c.channel == channel, table.c.address == _kept(channel, address))
    return [
        SuppressionChange(at=row.at, suppressed=row.suppressed, reason=row.reason, by=row.by)
        for row in connection.execute(query.order_by(table.c.at.desc(), table.c.suppressed))
    ]


def suppressed(connection: sa.Connection, channel: str, addresses: Sequence[str]) -> dict[str, str]:
    """Address -> reason, for those of `addresses` that must not be used."""
    kept = {one: _kept(channel, one) for one in addresses}
    wanted = sorted(set(kept.values()))
    reasons: dict[str, str] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = connection.execute(
            sa.select(suppressions.c.address, suppressions.c.reason).where(
                suppressions.c.channel == channel, suppressions.c.address.in_(wanted[start : start + _CHUNK])
            )
        )
        reasons.update((row.address, row.reason) for row in rows)
    return {one: reasons[form] for one, form in kept.items() if form in reasons}


def _note(
    connection: sa.Connection, channel: str, address: str, *, suppressed: bool, reason: str, by: str, at: datetime
) -> None:
    connection.execute(
        insert(connection, suppression_changes)
        .values(
            channel=channel,
            address=_kept(channel, address),
            at=at,
            suppressed=suppressed,
            reason=reason[:200],
            by=by[:300],
        )
        .on_conflict_do_nothing()
    )


def _kept(channel: str, address: str) -> str:
    """An address as `suppressions` holds it. Mail servers do not tell capitals apart, and a telephone number is the same
    however it is set apart; other addresses stay as given.
    """
    if channel == "email":
        return address.lower()
    if channel == "sms":
        number = _APART.sub("", unicodedata.normalize("NFKC", address))
        return f"+{number[2:]}" if number.startswith("00") else number
    return address
