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
    """Decayed weight of each product line: number (the customer's), product_id, category, brand, weight.

    `events` are those named in INTEREST: number, name, us (event time, microseconds since 1970) and products.
    """
    import ibis

    base = ibis.cases(
        (events.name == "Order Completed", settings.order_weight),
        (events.name == "Product Added", settings.cart_weight),
        (events.name == "Product Viewed", settings.view_weight),
    )
    age_days = (int(as_of.timestamp() * 1_000_000) - events.us) / 86_400e6
    lines = events.select(
        "number",
        "name",
        line=events.products.unnest(),
        decayed=base * (age_days * (-0.6931471805599453 / settings.half_life_days)).exp(),
    )
    # Only an order buys several units; looking at ten pieces of one thing is one look.
    units = ibis.ifelse(lines.name == "Order Completed", lines.line.quantity.fill_null(1.0), 1.0)
    return lines.select(
        "number",
        product_id=lines.line.product_id,
        category=lines.line.category,
        brand=lines.line.brand,
        weight=lines.decayed * units,
    )


def strongest(lines: "ir.Table", column: str, *, keep: int) -> "ir.Table":
    """Per customer the `keep` strongest values of `column` as shares: number, weights (list), top."""
    import ibis

    from zhanggui.profiles.duckdb_functions import least

    sums = (
        lines.filter(lines[column].notnull() & (lines[column] != ""))
        .group_by("number", name=column)
        .agg(weight=lines.weight.sum())
    )
    # Ties by name, so that the same events always give the same profile.
    kept = sums.group_by("number").agg(
        total=sums.weight.sum(), least=least(ibis.struct({"negated": -sums.weight, "name": sums.name}), keep)
    )
    kept = kept.filter(kept.total > 0)
    return kept.select(
        "number",
        weights=kept.least.map(lambda one: ibis.struct({"name": one["name"], "weight": -one["negated"] / kept.total})),
        top=kept.least[0]["name"],
    )


def top_product(lines: "ir.Table") -> "ir.Table":
    """Per customer the product of the highest weight: number, top_product."""
    import ibis

    sums = lines.group_by("number", "product_id").agg(weight=lines.weight.sum())
    tops = sums.group_by("number").agg(top=ibis.struct({"weight": sums.weight, "id": sums.product_id}).max())
    return tops.select("number", top_product=tops.top["id"])
