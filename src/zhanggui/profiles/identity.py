"""Who is who: anonymous ids joined to customers, and where customers can be reached. Learned from events.

Raw events keep the id they came with; the mapping is read when profiles are built. Knows no feature.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from zhanggui.events.event import Event
from zhanggui.storage.database import UtcTime, insert, metadata

_CHUNK = 5_000

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("from_id", sa.String(256), primary_key=True),
    sa.Column("to_id", sa.String(256), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
)
contact_points = sa.Table(
    "contact_points",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("address", sa.String(512), nullable=False, index=True),
    sa.Column("since", UtcTime, nullable=False),
)
IDENTITY_SCHEMA = pa.schema([pa.field("from_id", pa.string()), pa.field("customer_id", pa.string())])

# Which trait of an `identify` is an address on which channel.
_ADDRESS_TRAITS = {"email": "email", "phone": "sms", "webhook": "webhook"}


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What events said about identity: links between ids, and addresses."""

    links: Sequence[Mapping[str, Any]]
    addresses: Sequence[Mapping[str, Any]]


def learn(events: Iterable[Event]) -> Learned:
    """Read links and addresses out of `identify` and `alias` events; of several, the latest by event time counts."""
    return _learn(
        [(one.timestamp, one.type, one.user_id, one.anonymous_id, one.previous_id, one.traits) for one in events]
    )


def learn_rows(rows: Iterable[Mapping[str, Any]]) -> Learned:
    """Like `learn`, from rows of the event log (LOG_SCHEMA)."""
    return _learn(
        [
            (
                one["timestamp"],
                one["type"],
                one["user_id"],
                one["anonymous_id"],
                one["previous_id"],
                json.loads(one["body"]).get("traits") or {},
            )
            for one in rows
        ]
    )


def _learn(told: list[tuple[datetime, str, str | None, str | None, str | None, Mapping[str, Any]]]) -> Learned:
    links: dict[str, dict[str, Any]] = {}
    addresses: dict[tuple[str, str], dict[str, Any]] = {}
    for at, kind, user_id, anonymous_id, previous_id, traits in sorted(told, key=lambda one: one[0]):
        if user_id is None:
            continue
        source = anonymous_id if kind == "identify" else previous_id
        if source and source != user_id:
            links[source] = {"from_id": source, "to_id": user_id, "since": at}
        if kind != "identify":
            continue
        for trait, channel in _ADDRESS_TRAITS.items():
            address = traits.get(trait)
            if isinstance(address, str) and 0 < len(address.strip()) <= 512 and address.isprintable():
                addresses[user_id, channel] = {
                    "customer_id": user_id,
                    "channel": channel,
                    "address": address.strip(),
                    "since": at,
                }
    return Learned(links=list(links.values()), addresses=list(addresses.values()))


def apply(connection: sa.Connection, learned: Learned) -> None:
    """Store what was learned; an older statement never replaces a newer one."""
    for table, rows, key, value in (
        (identities, learned.links, ["from_id"], "to_id"),
        (contact_points, learned.addresses, ["customer_id", "channel"], "address"),
    ):
        for start in range(0, len(rows), _CHUNK):
            upsert = insert(connection, table)
            connection.execute(
                upsert.on_conflict_do_update(
                    index_elements=key,
                    set_={value: upsert.excluded[value], "since": upsert.excluded.since},
                    where=table.c.since <= upsert.excluded.since,
                ),
                list(rows[start : start + _CHUNK]),
            )


def resolve(connection: sa.Connection) -> pa.Table:
    """The mapping (IDENTITY_SCHEMA) with chains followed to their end: from_id -> customer_id."""
    direct: dict[str, str] = {
        row.from_id: row.to_id for row in connection.execute(sa.select(identities.c.from_id, identities.c.to_id))
    }
    ends: dict[str, str] = {}
    for source in direct:
        end, seen = direct[source], {source}
        while end in direct and end not in seen:  # two aliases may name each other
            seen.add(end)
            end = direct[end]
        ends[source] = end
    pairs = [(source, end) for source, end in ends.items() if source != end]
    return pa.table(
        {"from_id": [source for source, _ in pairs], "customer_id": [end for _, end in pairs]}, IDENTITY_SCHEMA
    )


def addresses(connection: sa.Connection, customer_ids: Sequence[str], channel: str) -> dict[str, str]:
    """Where these customers can be reached on `channel`; those without an address are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(customer_ids), _CHUNK):
        rows = connection.execute(
            sa.select(contact_points.c.customer_id, contact_points.c.address).where(
                contact_points.c.channel == channel,
                contact_points.c.customer_id.in_(customer_ids[start : start + _CHUNK]),
            )
        )
        found.update((row.customer_id, row.address) for row in rows)
    return found


def customers_at(connection: sa.Connection, channel: str, address: str) -> list[str]:
    """Every customer who gave this address."""
    query = sa.select(contact_points.c.customer_id).where(
        contact_points.c.channel == channel, contact_points.c.address == address
    )
    return list(connection.scalars(query.order_by(contact_points.c.customer_id)))
