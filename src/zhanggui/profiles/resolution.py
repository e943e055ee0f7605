"""Whose an event is: ids as they came, joined to persons; of a device without a name, to who is known there next.

Reads no database: `identity.resolve` makes the tables.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import ibis.expr.types as ir

PERSONS_SCHEMA = pa.schema([pa.field("from_id", pa.string()), pa.field("person_id", pa.string())])
DEVICES_SCHEMA = pa.schema(
    [
        pa.field("device", pa.string()),
        pa.field("after", pa.int64()),  # microseconds since 1970
        pa.field("until", pa.int64()),
        pa.field("owner", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Who is who at one moment."""

    persons: pa.Table
    """Ids that are somebody else's (PERSONS_SCHEMA)."""
    devices: pa.Table
    """Whose the events on a device are that name nobody, with after < event time <= until (DEVICES_SCHEMA)."""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """A resolution beside the log, in its connection; None where nothing is known."""

    persons: "ir.Table | None" = None
    devices: "ir.Table | None" = None


def registered(events: "ir.Table", name: str, table: pa.Table) -> "ir.Table":
    """A small table beside the log, in the same connection."""
    backend: Any = events.get_backend()
    backend.con.register(name, table)
    beside: ir.Table = backend.table(name)
    return beside


def attached(events: "ir.Table", resolution: Resolution) -> Identities:
    """The resolution beside the log."""
    return Identities(
        persons=registered(events, "persons", resolution.persons) if resolution.persons.num_rows else None,
        devices=registered(events, "devices", resolution.devices) if resolution.devices.num_rows else None,
    )


def known_identities(*, persons: bool, devices: bool) -> Identities:
    """The tables that `attached` puts beside a log, for queries that are written before there is one."""
    import ibis

    return Identities(
        persons=ibis.table(ibis.Schema.from_pyarrow(PERSONS_SCHEMA), name="persons") if persons else None,
        devices=ibis.table(ibis.Schema.from_pyarrow(DEVICES_SCHEMA), name="devices") if devices else None,
    )


def resolve(
    events: "ir.Table",
    identities: Identities | None,
    *,
    as_of: "datetime | ir.TimestampValue",
    customers: "ir.Table | None" = None,
    strangers: bool = False,
) -> "ir.Table":
    """Events up to `as_of` with their customer_id and event time `us`; visitors nobody knows are left out.

    `customers`: only these. `strangers`: visitors stay, without a customer_id.
    """
    import ibis

    from zhanggui.profiles.duckdb_functions import epoch_us

    known = events.filter(events.timestamp <= as_of).mutate(us=epoch_us(events.timestamp))
    known = known.mutate(named_id=known.user_id)
    persons, devices = (identities.persons, identities.devices) if identities else (None, None)
    if devices is not None:
        known = known.mutate(visitor=ibis.ifelse(known.user_id.isnull(), known.anonymous_id, ibis.null("string")))
        at_work = [known.visitor == devices.device, known.us > devices.after, known.us <= devices.until]
        joined = known.left_join(devices, at_work)
        known = joined.mutate(named_id=joined.named_id.coalesce(joined.owner)).drop(*DEVICES_SCHEMA.names, "visitor")
    if persons is None:
        resolved = known.rename(customer_id="named_id")
    else:
        known = known.mutate(raw_id=known.named_id.coalesce(known.anonymous_id))
        joined = known.left_join(persons, known.raw_id == persons.from_id)
        resolved = joined.mutate(customer_id=joined.person_id.coalesce(joined.named_id))
        resolved = resolved.drop("raw_id", "named_id", "from_id", "person_id")
    if not strangers:
        resolved = resolved.filter(resolved.customer_id.notnull())
    return resolved if customers is None else resolved.semi_join(customers, "customer_id")
