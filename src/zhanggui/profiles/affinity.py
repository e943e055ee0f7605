"""What a customer is drawn to: shares of category, brand and product, each event's weight halving with age.

Shares do not change as time alone passes, since every weight shrinks alike. Does not know who asks.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from zhanggui.profiles.settings import ProfileSettings

if TYPE_CHECKING:
    import ibis.expr.types as ir


INTEREST = ["Order Completed", "Product Added", "Product Viewed"]


def interest(events: "ir.Table", *, as_of: datetime, settings: ProfileSettings) -> "ir.Table":
    """Decayed weight of each product line: customer_id, product_id, category, brand, weight.

    `events` are those named in INTEREST: customer_id, name, us (event time, microseconds since 1970) and products.
    """
    import ibis

    base = ibis.cases(
        (events.name == "Order Completed", settings.order_weight),
        (events.name == "Product Added", settings.cart_weight),
        (events.name == "Product Viewed", settings.view_weight),
    )
    age_days = (int(as_of.timestamp() * 1_000_000) - events.us) / 86_400e6
    lines = events.select(
        "customer_id",
        "name",
        line=events.products.unnest(),
        decayed=base * (age_days * (-0.6931471805599453 / settings.half_life_days)).exp(),
    )
    # Only an order buys several units; looking at ten pieces of one thing is one look.
    units = ibis.ifelse(lines.name == "Order Completed", lines.line.quantity.fill_null(1.0), 1.0)
    return lines.select(
        "customer_id",
        product_id=lines.line.product_id,
        category=lines.line.category,
        brand=lines.line.brand,
        weight=lines.decayed * units,
    )


def strongest(lines: "ir.Table", column: str, *, keep: int) -> "ir.Table":
    """Per customer the `keep` strongest values of `column` as shares: customer_id, weights (list), top."""
    import ibis

    sums = (
        lines.filter(lines[column].notnull() & (lines[column] != ""))
        .group_by("customer_id", name=column)
        .agg(weight=lines.weight.sum())
    )
    # Ties by name, so that the same events always give the same profile.
    order = [ibis.desc("weight"), ibis.asc("name")]
    window = ibis.window(group_by="customer_id")
    ranked = sums.mutate(
        share=sums.weight / sums.weight.sum().over(window),
        rank=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order)),
    )
    kept = ranked.filter(ranked["rank"] < keep, ranked.share.notnull())
    pair = ibis.struct({"name": kept.name, "weight": kept.share})
    return kept.group_by("customer_id").agg(
        weights=pair.collect(order_by=[kept["rank"]]),
        top=kept.name.argmin(kept["rank"]),
    )
