"""Features of every customer as Ibis expressions over the event log, as of any moment.

Uses events up to that moment by event time, however late they arrived. Knows no storage and no consent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.profiles.affinity import CODES_SCHEMA, INTEREST, coded, interest, named, spelled, strongest, top_product
from zhanggui.profiles.lifecycle import stage
from zhanggui.profiles.orders import ORDERS, orders, priced
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.resolution import Identities, known_identities, resolve
from zhanggui.profiles.settings import ProfileSettings

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir

_DELIVERED = ["Message Delivered", "Email Delivered", "Push Notification Received"]
_OPENED = ["Message Opened", "Email Opened", "Push Notification Tapped"]
_CLICKED = ["Message Clicked", "Email Link Clicked"]
BATCH = 20_000
"""Customers whose features are computed at once."""
ASKED = "asked"
"""The table of the customers that are asked for, where not all are."""
KEPT = "kept"
"""The table of the profiles that only grow older."""
_MOST_POINTS = 9e15
_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the queries of `features` depend on. The events, the moment and the customers are read when they run."""

    events: "ibis.Schema"
    """Of the log."""
    persons: bool
    devices: bool
    """Whether ids are known to be somebody's, and visitors to be customers."""
    some: bool
    """Whether only some customers are asked for."""
    settings: ProfileSettings
    currency: str


@dataclass(frozen=True, kw_only=True)
class Queries:
    """DuckDB's SQL of the tables ORDERED, PEOPLE and LINES, of what events name, and of a batch of profiles."""

    ordered: str
    people: str
    named: str
    lines: str
    batch: str


def features(
    events: "ir.Table",
    identities: Identities | None,
    *,
    as_of: datetime,
    settings: ProfileSettings,
    currency: str,
    customers: "ir.Table | None" = None,
) -> Iterator[pa.Table]:
    """One row a customer in SNAPSHOT_SCHEMA, from the log; revenue in `currency`. The others are those of `resolve`.

    In tables of BATCH customers, sorted by customer_id within and between them. The tables have the names that `attached`
    and `asked` give them.
    """
    backend: Any = events.get_backend()
    rules = Rules(
        events=events.schema(),
        persons=identities is not None and identities.persons is not None,
        devices=identities is not None and identities.devices is not None,
        some=customers is not None,
        settings=settings,
        currency=currency,
    )
    written = queries(rules)
    set_moment(backend, as_of)

    def keep(name: str, query: str) -> None:
        backend.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    keep("ordered", written.ordered)
    keep("people", written.people)
    codes, names = coded(backend.con.sql(written.named).to_arrow_table())
    backend.con.register("codes", codes)
    # Grouping is fast where a customer's lines lie together, and where the groups of all at hand fit the processor's
    # cache: hence sorted lines (of numbers, since text is slow to sort and to hash) and batches of customers.
    keep("lines", written.lines)
    for first in range(0, backend.raw_sql("SELECT count(*) FROM people").fetchone()[0], BATCH):
        backend.raw_sql(f"SET VARIABLE first = {first}")
        yield spelled(backend.con.sql(written.batch).to_arrow_table(), names).cast(SNAPSHOT_SCHEMA)


@lru_cache(maxsize=64)
def queries(rules: Rules) -> Queries:
    """The queries under `rules`. Ibis takes a second to write them, DuckDB a tenth of it to answer them for a few customers.

    Each part takes its own events out of the log before it asks whose they are: a shared table of resolved events
    would have to hold every column of every event.
    """
    import ibis

    from zhanggui.profiles.duckdb_functions import as_of_variable

    events = ibis.table(rules.events, name="log")
    identities = known_identities(persons=rules.persons, devices=rules.devices)
    customers = ibis.table({"customer_id": "string"}, name=ASKED) if rules.some else None
    settings, as_of = rules.settings, as_of_variable("as_of")

    def told(*names: str) -> "ir.Table":
        rows = events.filter(events.name.isin(names)) if names else events
        return resolve(rows, identities, as_of=as_of, customers=customers)

    ordered = priced(
        resolve(events.filter(events.name.isin(ORDERS)), identities, as_of=as_of, strangers=True),
        currency=rules.currency,
    )
    identified = events.filter(events.type == "identify")
    people = _activity(told(), as_of=as_of, settings=settings)
    for part in (
        orders(_table("ordered", ordered), customers=customers),
        _traits(resolve(identified, identities, as_of=as_of, customers=customers)),
        _favourite_channel(told(*_OPENED, *_CLICKED), as_of=as_of, settings=settings),
    ):
        people = _beside(people, part, "customer_id")
    people = people.order_by("customer_id")
    of_people = _table("people", people)
    of_people = of_people.mutate(number=of_people.rowid().cast("int32"))
    numbered = told(*INTEREST).inner_join(of_people.select("customer_id", "number"), "customer_id")
    codes = ibis.table(ibis.Schema.from_pyarrow(CODES_SCHEMA), name="codes")
    lines = interest(numbered, codes, as_of=as_of, settings=settings).order_by("number")
    batch = _batch(of_people, _table("lines", lines), as_of=as_of, settings=settings).order_by("customer_id")
    written = {"ordered": ordered, "people": people, "named": named(events), "lines": lines, "batch": batch}
    return Queries(**{name: str(ibis.to_sql(query, dialect="duckdb")) for name, query in written.items()})


@lru_cache(maxsize=64)
def aging(settings: ProfileSettings) -> str:
    """DuckDB's SQL of the profiles in KEPT, as of the moment that was set."""
    import ibis

    from zhanggui.profiles.duckdb_functions import as_of_variable

    kept = ibis.table(ibis.Schema.from_pyarrow(SNAPSHOT_SCHEMA), name=KEPT)
    return str(ibis.to_sql(aged(kept, as_of=as_of_variable("as_of"), settings=settings), dialect="duckdb"))


def set_moment(backend: Any, as_of: datetime) -> None:
    """Say as of when the queries that run next look at the log."""
    backend.raw_sql(f"SET VARIABLE as_of = TIMESTAMPTZ '{as_of.isoformat()}'")


def _table(name: str, query: "ir.Table") -> "ir.Table":
    """The table of this name that the query's answer is kept in."""
    import ibis

    return ibis.table(query.schema(), name=name)


def _batch(
    people: "ir.Table", lines: "ir.Table", *, as_of: "ir.TimestampValue", settings: ProfileSettings
) -> "ir.Table":
    """The features of the BATCH customers from the number in the variable `first` on; of goods, their codes."""
    from zhanggui.profiles.duckdb_functions import getvariable

    first = getvariable("first")
    batch, theirs = (table.filter(table.number.between(first, first + BATCH - 1)) for table in (people, lines))
    for part in (
        strongest(theirs, "category", keep=settings.affinities).rename(categories="shares", top_category="top"),
        strongest(theirs, "brand", keep=settings.affinities).rename(brands="shares", top_brand="top"),
        top_product(theirs),
    ):
        batch = _beside(batch, part, "number")
    return aged(_filled(batch), as_of=as_of, settings=settings)


def _beside(table: "ir.Table", part: "ir.Table", key: str) -> "ir.Table":
    joined = table.left_join(part, key)
    return joined.drop(*({f"{key}_right"} & set(joined.columns)))


def _filled(table: "ir.Table") -> "ir.Table":
    """What a customer has who never ordered, looked at anything, or told of herself."""
    return table.mutate(
        orders=table.orders.fill_null(0),
        foreign_orders=table.foreign_orders.fill_null(0),
        revenue_minor=table.revenue_minor.fill_null(0),
        discount_share=table.discount_share.fill_null(0.0),
        traits=table.traits.fill_null("{}"),
        categories=table.categories.fill_null([]),
        brands=table.brands.fill_null([]),
    )


def aged(table: "ir.Table", *, as_of: "ir.TimestampValue", settings: ProfileSettings) -> "ir.Table":
    """The columns that change as time alone passes, from those that do not. In and out: SNAPSHOT_SCHEMA's columns."""
    from zhanggui.profiles.duckdb_functions import epoch_us

    table = table.mutate(
        as_of=as_of,
        recency_days=(epoch_us(as_of) - epoch_us(table.last_order_at)) / float(_DAY),
        tenure_days=(epoch_us(as_of) - epoch_us(table.first_order_at)) / float(_DAY),
    )
    table = table.mutate(
        lifecycle_stage=stage(table.orders, table.recency_days, table.inter_purchase_days, settings.lifecycle)
    )
    return table.select(SNAPSHOT_SCHEMA.names)


def _activity(events: "ir.Table", *, as_of: "ir.TimestampValue", settings: ProfileSettings) -> "ir.Table":
    browsing = _within(events, settings.browsing_days, as_of=as_of)
    engaged = _within(events, settings.engagement_days, as_of=as_of)
    return events.group_by("customer_id").agg(
        first_seen_at=events.timestamp.min(),
        last_seen_at=events.timestamp.max(),
        views=events.count(where=browsing & (events.name == "Product Viewed")),
        carts=events.count(where=browsing & (events.name == "Product Added")),
        messages_received=events.count(where=engaged & events.name.isin(_DELIVERED)),
        messages_opened=events.count(where=engaged & events.name.isin(_OPENED)),
        messages_clicked=events.count(where=engaged & events.name.isin(_CLICKED)),
    )


def _within(events: "ir.Table", days: float, *, as_of: "ir.TimestampValue") -> "ir.BooleanValue":
    """Which events happened in the last so many days."""
    from zhanggui.profiles.duckdb_functions import epoch_us

    within: ir.BooleanValue = events.us > epoch_us(as_of) - round(days * _DAY)
    return within


def _traits(events: "ir.Table") -> "ir.Table":
    """Each trait's latest value by event time, and those that have a column of their own.

    What a public key says of a customer counts only if the shop itself has said nothing of them, and takes nothing back.
    """
    import ibis

    from zhanggui.profiles.duckdb_functions import json_extract_string, json_keys, json_text, json_values

    pairs = events.select(
        "customer_id",
        "us",
        "message_id",
        key=json_keys(events.body, "$.traits").unnest(),
        value=json_values(events.body, "$.traits.*").unnest(),
        public=events.trust == "write",
    )
    own, public = pairs.filter(~pairs.public), pairs.filter(pairs.public & (pairs.value.cast("string") != "null"))
    pairs = own.union(public.anti_join(own, "customer_id"))
    latest = pairs.group_by("customer_id", "key").agg(
        value=pairs.value.argmax(ibis.struct({"us": pairs.us, "id": pairs.message_id}))
    )
    # In the order of the keys: the same traits are the same text, however many threads have put it together.
    named = latest.mutate(pair=json_text(latest.key).cast("string") + ":" + latest.value.cast("string"))
    whole = named.group_by("customer_id").agg(pairs=named.pair.group_concat(",", order_by=named.key))
    whole = whole.select("customer_id", traits=("{" + whole.pairs + "}").cast("json"))

    def text(*names: str) -> "ir.StringValue":
        return ibis.coalesce(*(json_extract_string(whole.traits, f"$.{name}").nullif("") for name in names))

    locale = text("language", "locale").lower()
    points = text("points").try_cast("float64")  # maybe NaN, or beyond all bounds
    return whole.select(
        "customer_id",
        language=ibis.cases((locale.startswith("zh"), "zh"), (locale.startswith("en"), "en")),
        time_zone=text("timezone", "timeZone"),
        first_name=text("firstName", "first_name"),
        city=text("city", "address.city"),
        points=ibis.ifelse(points.between(-_MOST_POINTS, _MOST_POINTS), points, ibis.null("float64"))
        .round()
        .cast("int64"),
        traits=whole.traits.cast("string"),
    )


def _favourite_channel(events: "ir.Table", *, as_of: "ir.TimestampValue", settings: ProfileSettings) -> "ir.Table":
    import ibis

    answered = events.filter(
        _within(events, settings.engagement_days, as_of=as_of),
        events.channel.notnull(),
    )
    counts = answered.group_by("customer_id", "channel").agg(answers=answered.count())
    return counts.group_by("customer_id").agg(
        preferred_channel=counts.channel.argmax(ibis.struct({"answers": counts.answers, "channel": counts.channel}))
    )
