"""Who a customer is at a moment: the columns of a snapshot, and one row of it as a noun. Computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

LifecycleStage = Literal["prospect", "new", "active", "loyal", "at_risk", "lapsed"]

_TIME = pa.timestamp("us", tz="UTC")
_WEIGHTS = pa.list_(pa.struct([pa.field("name", pa.string()), pa.field("weight", pa.float64())]))

# One row a customer, sorted by customer_id. Days are of 24 hours, as of `as_of`.
SNAPSHOT_SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("as_of", _TIME, nullable=False),
        pa.field("language", pa.string()),  # "zh", "en" or null (trait `language` or `locale`)
        pa.field("time_zone", pa.string()),  # IANA name or null (trait `timezone`)
        pa.field("first_name", pa.string()),
        pa.field("city", pa.string()),
        pa.field("points", pa.int64()),
        pa.field("traits", pa.string(), nullable=False),  # JSON, latest value by event time, whole
        pa.field("first_seen_at", _TIME),
        pa.field("last_seen_at", _TIME),
        pa.field("orders", pa.int64(), nullable=False),
        pa.field("first_order_at", _TIME),
        pa.field("last_order_at", _TIME),
        pa.field("recency_days", pa.float64()),  # since the last order; null when none
        pa.field("tenure_days", pa.float64()),  # since the first order; null when none
        pa.field("inter_purchase_days", pa.float64()),  # mean gap between orders; null below 2 orders
        pa.field("revenue_minor", pa.int64(), nullable=False),  # less refunds, in the shop's currency
        pa.field(
            "foreign_orders", pa.int64(), nullable=False
        ),  # in other currencies than the shop's: no part of revenue
        pa.field("average_order_minor", pa.float64()),
        pa.field("discount_share", pa.float64(), nullable=False),  # discount / (revenue + discount), 0..1
        pa.field("views", pa.int64(), nullable=False),  # "Product Viewed" in the last 30 days
        pa.field("carts", pa.int64(), nullable=False),  # "Product Added" in the last 30 days
        pa.field(
            "categories", _WEIGHTS, nullable=False
        ),  # affinity, decayed with a half-life, shares, top 10, descending
        pa.field("brands", _WEIGHTS, nullable=False),
        pa.field("top_category", pa.string()),
        pa.field("top_brand", pa.string()),
        pa.field("top_product", pa.string()),  # product id with the highest decayed weight
        pa.field("messages_received", pa.int64(), nullable=False),  # delivered to her, all channels, last 90 days
        pa.field("messages_opened", pa.int64(), nullable=False),
        pa.field("messages_clicked", pa.int64(), nullable=False),
        pa.field("preferred_channel", pa.string()),  # most opened or clicked on; null when none
        pa.field("lifecycle_stage", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One customer as of a moment. `features` holds every other column of the snapshot by name."""

    customer_id: str
    as_of: datetime
    snapshot_version: str
    features: Mapping[str, Any]
