"""Features of every customer as Ibis expressions over the event log, as of any moment.

Uses events up to that moment by event time, however late they arrived. Knows no storage and no consent.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.profiles.affinity import INTEREST, coded, interest, spelled, strongest, top_product
from zhanggui.profiles.lifecycle import stage
from zhanggui.profiles.orders import ORDERS, orders, priced
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.resolution import Identities, registered, resolve
from zhanggui.profiles.settings import ProfileSettings

if TYPE_CHECKING:
    import ibis.expr.types as ir

_DELIVERED = ["Message Delivered", "Email Delivered", "Push Notification Received"]
_OPENED = ["Message Opened", "Email Opened", "Push Notification Tapped"]
_CLICKED = ["Message Clicked", "Email Link Clicked"]
BATCH = 20_000
"""Customers whose features are computed at once."""
_MOST_POINTS = 9e15
_DAY = 86_400_000_000  # microseconds


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

    In tables of BATCH customers, sorted by customer_id within and between them.

    Each part takes its own events out of the log before it asks whose they are: a shared table of resolved events
    would have to hold every column of every event.
    """
    backend: Any = events.get_backend()

    def told(*names: str) -> "ir.Table":
        rows = events.filter(events.name.isin(names)) if names else events
        return resolve(rows, identities, as_of=as_of, customers=customers)

    def kept(name: str, table: "ir.Table") -> "ir.Table":
        backend.raw_sql(f"DROP TABLE IF EXISTS {name}")
        return backend.create_table(name, table, temp=True)

    people = _activity(told(), as_of=as_of, settings=settings)
    ordered = resolve(events.filter(events.name.isin(ORDERS)), identities, as_of=as_of, strangers=True)
    identified = events.filter(events.type == "identify")
    for part in (
        orders(kept("ordered", priced(ordered, currency=currency)), customers=customers),
        _traits(resolve(identified, identities, as_of=as_of, customers=customers)),
        _favourite_channel(told(*_OPENED, *_CLICKED), as_of=as_of, settings=settings),
    ):
        people = _beside(people, part, "customer_id")
    people = kept("people", people.order_by("customer_id"))
    people = people.mutate(number=people.rowid().cast("int32"))
    # Grouping is fast where a customer's lines lie together, and where the groups of all at hand fit the processor's
    # cache: hence sorted lines (of numbers, since text is slow to sort and to hash) and batches of customers.
    numbered = told(*INTEREST).inner_join(people.select("customer_id", "number"), "customer_id")
    codes, names = coded(events)
    lines = interest(numbered, registered(events, "codes", codes), as_of=as_of, settings=settings)
    lines = kept("lines", lines.order_by("number"))
    # Ibis takes half as long to write a batch's query as DuckDB to answer it, hence one query for all.
    batch = backend.create_view("batch", _batch(people, lines, as_of=as_of, settings=settings), overwrite=True)
    for first in range(0, people.count().to_pyarrow().as_py(), BATCH):
        backend.raw_sql(f"SET VARIABLE first = {first}")
        yield spelled(batch.order_by("customer_id").to_pyarrow(), names).cast(SNAPSHOT_SCHEMA)


def _batch(people: "ir.Table", lines: "ir.Table", *, as_of: datetime, settings: ProfileSettings) -> "ir.Table":
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


def aged(table: "ir.Table", *, as_of: datetime, settings: ProfileSettings) -> "ir.Table":
    """The columns that change as time alone passes, from those that do not. In and out: SNAPSHOT_SCHEMA's columns."""
    import ibis

    from zhanggui.profiles.duckdb_functions import epoch_us

    now = int(as_of.timestamp()) * 1_000_000 + as_of.microsecond
    table = table.mutate(
        as_of=ibis.literal(as_of),
        recency_days=(now - epoch_us(table.last_order_at)) / float(_DAY),
        tenure_days=(now - epoch_us(table.first_order_at)) / float(_DAY),
    )
    table = table.mutate(
        lifecycle_stage=stage(table.orders, table.recency_days, table.inter_purchase_days, settings.lifecycle)
    )
    return table.select(SNAPSHOT_SCHEMA.names)


def _activity(events: "ir.Table", *, as_of: datetime, settings: ProfileSettings) -> "ir.Table":
    browsing = events.timestamp > as_of - timedelta(days=settings.browsing_days)
    engaged = events.timestamp > as_of - timedelta(days=settings.engagement_days)
    return events.group_by("customer_id").agg(
        first_seen_at=events.timestamp.min(),
        last_seen_at=events.timestamp.max(),
        views=events.count(where=browsing & (events.name == "Product Viewed")),
        carts=events.count(where=browsing & (events.name == "Product Added")),
        messages_received=events.count(where=engaged & events.name.isin(_DELIVERED)),
        messages_opened=events.count(where=engaged & events.name.isin(_OPENED)),
        messages_clicked=events.count(where=engaged & events.name.isin(_CLICKED)),
    )


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


def _favourite_channel(events: "ir.Table", *, as_of: datetime, settings: ProfileSettings) -> "ir.Table":
    import ibis

    answered = events.filter(
        events.timestamp > as_of - timedelta(days=settings.engagement_days),
        events.channel.notnull(),
    )
    counts = answered.group_by("customer_id", "channel").agg(answers=answered.count())
    return counts.group_by("customer_id").agg(
        preferred_channel=counts.channel.argmax(ibis.struct({"answers": counts.answers, "channel": counts.channel}))
    )
