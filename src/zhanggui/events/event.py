"""What happened: one event of the Segment spec, and its columns in the log. Knows no customer and no feature.

Spec: https://segment.com/docs/connections/spec/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]
Trust = Literal["write", "server", "file"]
"""By which kind of key an event came: a public one that stands in web pages, the shop's own server, or a file."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One validated event. `timestamp` is event time (UTC), `received_at` when we got it (UTC)."""

    message_id: str
    type: EventType
    timestamp: datetime
    received_at: datetime
    user_id: str | None = None
    anonymous_id: str | None = None
    """At least one of `user_id` and `anonymous_id` is there."""
    previous_id: str | None = None
    """Of `alias`: the id that `user_id` was known by before."""
    name: str | None = None
    """Of `track`: the event's name ("Order Completed"); of `page` and `screen`: the page's name."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust = "server"
    """A "write" event adds to what is known of a customer, and takes nobody over."""


# How the log is read: one row an event, the spec's e-commerce properties as typed columns, the rest as JSON.
# Money is in minor units of `currency`. A single-product event ("Product Viewed") has a list of one.
_TIME = pa.timestamp("us", tz="UTC")
LOG_SCHEMA = pa.schema(
    [
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("previous_id", pa.string()),
        pa.field("timestamp", _TIME, nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("order_id", pa.string()),
        pa.field("currency", pa.string()),
        pa.field("revenue_minor", pa.int64()),
        pa.field("discount_minor", pa.int64()),
        pa.field("coupon", pa.string()),
        pa.field(
            "products",
            pa.list_(
                pa.struct(
                    [
                        pa.field("product_id", pa.string()),
                        pa.field("category", pa.string()),
                        pa.field("brand", pa.string()),
                        pa.field("price_minor", pa.int64()),
                        pa.field("quantity", pa.float64()),
                    ]
                )
            ),
        ),
        pa.field("channel", pa.string()),  # of "Email Opened", "Message Clicked" and their like
        pa.field("decision_id", pa.string()),  # of engagement events: the decision that the message came from
        pa.field("body", pa.string(), nullable=False),  # JSON: properties, traits and context, whole
        pa.field("trust", pa.string(), nullable=False),  # "write", "server" or "file"
    ]
)
