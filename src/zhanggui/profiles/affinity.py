"""What a customer is drawn to: shares of category, brand and product, each event's weight halving with age.

Shares do not change as time alone passes, since every weight shrinks alike. Does not know who asks.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from zhanggui.profiles.settings import ProfileSettings

if TYPE_CHECKING:
    import ibis.expr.types as ir


INTEREST = ["Order Completed", "Product Added", "Product Viewed"]
_NAMED = ("product_id", "category", "brand")
CODES_SCHEMA = pa.schema(
    [*((column, pa.string()) for column in _NAMED), *((f"{column}_code", pa.int32()) for column in _NAMED)]
)
_SPELLED = {
    "categories": "category",
    "brands": "brand",
    "top_category": "category",
    "top_brand": "brand",
    "top_product": "product_id",
}


def named(events: "ir.Table") -> "ir.Table":
    """Each combination of product_id, category and brand that the events name, once."""
    lines = events.select(line=events.products.unnest())
    return lines.select(**{column: lines.line[column] for column in _NAMED}).distinct()


def coded(table: pa.Table) -> tuple[pa.Table, Mapping[str, pa.Array]]:
    """The rows of `named` with the code of each name (CODES_SCHEMA), since text takes several times as long to sort and group.

    A code is the place of a name among `names` of its column, which are sorted; null when there is no name.
    """
    names = {}
    for column in _NAMED:
        values = table[column].combine_chunks().unique()
        names[column] = values.filter(pc.not_equal(values, "")).sort()
        table = table.append_column(f"{column}_code", pc.index_in(table[column], value_set=names[column]))
    return table.cast(CODES_SCHEMA), names


def spelled(profiles: pa.Table, names: Mapping[str, pa.Array]) -> pa.Table:
    """The profiles with names where they have codes."""
    for column, kind in _SPELLED.items():
        codes = profiles[column].combine_chunks()
        if pa.types.is_list(codes.type):
            shares = codes.values
            named = [names[kind].take(shares.field("code")), shares.field("weight")]
            found = pa.ListArray.from_arrays(codes.offsets, pa.StructArray.from_arrays(named, ["name", "weight"]))
        else:
            found = names[kind].take(codes)
        profiles = profiles.set_column(profiles.schema.get_field_index(column), column, found)
    return profiles


def interest(
    events: "ir.Table", codes: "ir.Table", *, as_of: "ir.TimestampValue", settings: ProfileSettings
) -> "ir.Table":
    """Decayed weight of each product line: number (the customer's), codes of product_id, category and brand, weight.

    `events` are those named in INTEREST: number, name, us (event time, microseconds since 1970) and products. `codes` is
    the table of `coded`.
    """
    import ibis

    from zhanggui.profiles.duckdb_functions import epoch_us

    base = ibis.cases(
        (events.name == "Order Completed", settings.order_weight),
        (events.name == "Product Added", settings.cart_weight),
        (events.name == "Product Viewed", settings.view_weight),
    )
    age_days = (epoch_us(as_of) - events.us) / 86_400e6
    lines = events.select(
        "number",
        "name",
        line=events.products.unnest(),
        decayed=base * (age_days * (-0.6931471805599453 / settings.half_life_days)).exp(),
    )
    # Only an order buys several units; looking at ten pieces of one thing is one look.
    units = ibis.ifelse(lines.name == "Order Completed", lines.line.quantity.fill_null(1.0), 1.0)
    same = [lines.line[column].identical_to(codes[column]) for column in _NAMED]
    return (
        lines.mutate(weight=lines.decayed * units)
        .inner_join(codes, same)
        .select("number", "weight", **{column: f"{column}_code" for column in _NAMED})
    )


def strongest(lines: "ir.Table", column: str, *, keep: int) -> "ir.Table":
    """Per customer the `keep` strongest values of `column` as shares: number, shares (list of code and weight), top."""
    import ibis

    from zhanggui.profiles.duckdb_functions import least

    sums = _sums(lines, column)
    # Ties by name, in whose order codes are, so that the same events always give the same profile.
    kept = sums.group_by("number").agg(
        total=sums.weight.sum(), least=least(ibis.struct({"negated": -sums.weight, "code": sums.code}), keep)
    )
    kept = kept.filter(kept.total > 0)
    return kept.select(
        "number",
        shares=kept.least.map(lambda one: ibis.struct({"code": one["code"], "weight": -one["negated"] / kept.total})),
        top=kept.least[0]["code"],
    )


def top_product(lines: "ir.Table") -> "ir.Table":
    """Per customer the product of the highest weight: number, top_product."""
    import ibis

    sums = _sums(lines, "product_id")
    tops = sums.group_by("number").agg(top=ibis.struct({"weight": sums.weight, "code": sums.code}).max())
    return tops.select("number", top_product=tops.top["code"])


def _sums(lines: "ir.Table", column: str) -> "ir.Table":
    named = lines.filter(lines[column].notnull())
    return named.group_by("number", code=column).agg(weight=named.weight.sum())
