"""An event as a row of the hot table, and rows as Arrow in the columns of LOG_SCHEMA. Touches no database."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from zhanggui.events.commerce import Commerce
from zhanggui.events.event import LOG_SCHEMA, Event
from zhanggui.events.tables import events

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode

# Moments stay integers on their way to Arrow: making a datetime of each would cost more than the query.
COLUMNS = tuple(
    sa.type_coerce(events.c[name], sa.BigInteger).label(name)
    if pa.types.is_timestamp(LOG_SCHEMA.field(name).type)
    else events.c[name]
    for name in LOG_SCHEMA.names
)
"""What to select from the hot table for `to_arrow`."""


def row(event: Event, commerce: Commerce) -> dict[str, Any]:
    """The columns of the hot table, without `seq`."""
    return {
        "message_id": event.message_id,
        "type": event.type,
        "name": event.name,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "previous_id": event.previous_id,
        "timestamp": event.timestamp,
        "received_at": event.received_at,
        "order_id": commerce.order_id,
        "currency": commerce.currency,
        "revenue_minor": commerce.revenue_minor,
        "discount_minor": commerce.discount_minor,
        "coupon": commerce.coupon,
        "products": None if commerce.products is None else _encode(commerce.products),
        "channel": commerce.channel,
        "decision_id": commerce.decision_id,
        "body": _encode(
            {
                "properties": event.properties,
                "traits": event.traits,
                "context": event.context,
            }
        ),
        "trust": event.trust,
    }


def to_arrow(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows of COLUMNS as a table of LOG_SCHEMA."""
    if not rows:
        return LOG_SCHEMA.empty_table()
    arrays = []
    for field, values in zip(LOG_SCHEMA, zip(*rows, strict=True), strict=True):
        if field.name == "products":
            arrays.append(_products(values, field.type))
        elif pa.types.is_timestamp(field.type):
            arrays.append(pa.array(values, pa.int64()).cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=LOG_SCHEMA)


def _products(values: Sequence[str | None], kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    """The JSON lists, parsed by Arrow all at once; None stays null."""
    from pyarrow import json as arrow_json

    present = [value for value in values if value is not None]
    if not present:
        return pa.array([None] * len(values), kind)
    lines = io.BytesIO("".join(f'{{"products":{value}}}\n' for value in present).encode())
    parsed = arrow_json.read_json(
        lines,
        read_options=arrow_json.ReadOptions(block_size=8 << 20),
        parse_options=arrow_json.ParseOptions(explicit_schema=pa.schema([pa.field("products", kind)])),
    )["products"]
    if len(present) == len(values):
        return parsed
    positions, index = [], 0
    for value in values:
        positions.append(None if value is None else index)
        index += value is not None
    return parsed.take(pa.array(positions, pa.int64()))
