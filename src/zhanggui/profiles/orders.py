"""Orders of every customer, once each by order id within the shop, without the cancelled ones, less what was refunded.

Amounts of another currency than the shop's are no part of any sum. Knows no identity and no storage.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

ORDERS = ("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded")
_MOST = 9_000_000_000_000_000
"""Minor units: more is no sum of money, and a double still counts up to here."""
_DAY = 86_400_000_000  # microseconds


def priced(told: "ir.Table", *, currency: str) -> "ir.Table":
    """Resolved events named in ORDERS with their `amount` and `discount` in the shop's currency, and whether they are `foreign`,
    `trusted`, or refund a `whole` order.
    """
    import ibis

    refunds, others = told.filter(told.name == "Order Refunded"), told.filter(told.name != "Order Refunded")
    paid = refunds.products.map(lambda line: line["price_minor"].cast("float64") * line["quantity"]).sums()
    listed = paid.clip(0, _MOST).round().cast("int64")
    whole = refunds.revenue_minor.isnull() & (refunds.products.length().fill_null(0) == 0)
    # Products are read of refunds alone: of orders they would cost more than all the rest.
    return _stated(refunds, currency, amount=refunds.revenue_minor.coalesce(listed), whole=whole).union(
        _stated(others, currency, amount=others.revenue_minor, whole=ibis.literal(False))
    )


def _stated(told: "ir.Table", currency: str, *, amount: Any, whole: Any) -> "ir.Table":
    import ibis

    foreign = told.currency.notnull() & (told.currency != currency)
    return told.select(
        "customer_id",
        "order_id",
        "message_id",
        "name",
        "us",
        "timestamp",
        foreign=foreign,
        amount=ibis.ifelse(foreign, ibis.null("int64"), amount),
        discount=ibis.ifelse(foreign, ibis.null("int64"), told.discount_minor),
        whole=whole,
        trusted=told.trust != "write",
    )


def orders(told: "ir.Table", *, customers: "ir.Table | None" = None) -> "ir.Table":
    """Per customer: orders, first and last one, revenue, rhythm, share of discounts, orders in other currencies.

    `told`: rows of `priced`, those of strangers too: a back office that cancels names nobody. `customers`: only these.
    """
    if customers is not None:
        mine = told.semi_join(customers, "customer_id")
        told = told.filter(told.order_id.isin(mine.filter(mine.order_id.notnull()).order_id)).union(
            mine.filter(mine.order_id.isnull())
        )
    each = _each(_held(told))
    sums = each.group_by("customer_id").agg(
        orders=each.count(),
        home=each.count(where=~each.foreign),
        foreign_orders=each.count(where=each.foreign),
        first_order_at=each["at"].min(),
        last_order_at=each["at"].max(),
        net=_sum(each.net),
        discount=_sum(each.discount),
        gross=_sum(each.revenue),
    )
    unnamed = told.filter(told.name == "Order Refunded", told.order_id.isnull(), told.customer_id.notnull())
    returned = unnamed.group_by("customer_id").agg(returned=_sum(unnamed.amount))
    sums = sums.left_join(returned, "customer_id").drop("customer_id_right")
    return _rates(sums if customers is None else sums.semi_join(customers, "customer_id"))


def _held(told: "ir.Table") -> "ir.Table":
    """What was said of each order (`key`), with whose it is (customer_id).

    An order belongs to who placed it first. What the shop itself says of it counts whoever it names; a public key says
    something of an order only if the shop does not know that order, and only of those of the customer that it names.
    """
    import ibis

    named = told.filter(told.order_id.notnull())
    placed = named.filter(named.name == "Order Completed", named.customer_id.notnull())
    known, claimed = placed.filter(placed.trusted), placed.filter(~placed.trusted)
    first = known.customer_id.argmin(_moment(known))
    owned = known.group_by("order_id").agg(holder=first).mutate(shops=ibis.literal(True))
    claims = claimed.select("order_id", holder="customer_id").distinct().anti_join(owned, "order_id")
    holders = owned.union(claims.mutate(shops=ibis.literal(False)))
    joined = named.join(holders.rename(of_order="order_id"), named.order_id == holders.order_id)
    theirs = joined.trusted | (~joined.shops & (joined.customer_id == joined.holder))
    of_orders = joined.filter(theirs).mutate(customer_id=joined.holder, key=joined.order_id)
    unnamed = told.filter(told.order_id.isnull(), told.name == "Order Completed", told.customer_id.notnull())
    columns = (*told.columns, "key")
    return of_orders.select(*columns).union(unnamed.mutate(key=unnamed.message_id).select(*columns))


def _each(said: "ir.Table") -> "ir.Table":
    """One row an order that stands: at, revenue, discount, net."""
    import ibis

    placed, refunded, updated = (
        said.name == "Order Completed",
        said.name == "Order Refunded",
        said.name == "Order Updated",
    )
    moment = _moment(said)
    found = said.group_by("customer_id", "key").agg(
        at=said.timestamp.min(where=placed),
        placed_for=said.amount.max(where=placed),
        updated_to=said.amount.argmax(moment, where=updated & said.amount.notnull()),
        first_discount=said.discount.max(where=placed),
        last_discount=said.discount.argmax(moment, where=updated & said.discount.notnull()),
        returned=_sum(said.amount, where=refunded),
        whole=(refunded & said.whole).any(),
        foreign=(placed & said.foreign).any(),
        cancelled=(said.name == "Order Cancelled").any(),
    )
    stands = found.filter(~found.cancelled, found["at"].notnull())
    revenue = stands.updated_to.coalesce(stands.placed_for).fill_null(0)
    refund = ibis.ifelse(stands.whole, revenue, ibis.least(stands.returned, revenue))
    return stands.select(
        "customer_id",
        "at",
        "foreign",
        revenue=revenue,
        discount=stands.last_discount.coalesce(stands.first_discount).fill_null(0),
        net=revenue - refund,
    )


def _rates(sums: "ir.Table") -> "ir.Table":
    import ibis

    from zhanggui.profiles.duckdb_functions import epoch_us

    revenue = ibis.greatest(sums.net - sums.returned.fill_null(0), 0)
    return sums.select(
        "customer_id",
        "orders",
        "foreign_orders",
        "first_order_at",
        "last_order_at",
        revenue_minor=revenue,
        inter_purchase_days=(epoch_us(sums.last_order_at) - epoch_us(sums.first_order_at))
        / (sums.orders - 1).nullif(0)
        / float(_DAY),
        average_order_minor=revenue / sums.home.nullif(0),
        discount_share=(sums.discount / (sums.gross + sums.discount).nullif(0)).fill_null(0.0),
    )


def _sum(amounts: Any, where: Any = None) -> Any:
    """A sum that no amount can overflow."""
    return amounts.sum(where=where).fill_null(0).clip(0, _MOST).cast("int64")


def _moment(said: "ir.Table") -> Any:
    """When it was said, as what orders two statements of one moment the same way every time."""
    import ibis

    return ibis.struct({"us": said.us, "id": said.message_id})
