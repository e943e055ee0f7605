"""Life-cycle stages from recency and frequency, measured in each customer's own rhythm. Knows no event.

After RFM (Hughes 1994), with recency over the customer's mean inter-purchase time instead of fixed days.
"""

from typing import TYPE_CHECKING

from zhanggui.profiles.settings import LifecycleSettings

if TYPE_CHECKING:
    import ibis.expr.types as ir


def stage(
    orders: "ir.IntegerValue",
    recency_days: "ir.FloatingValue",
    inter_purchase_days: "ir.FloatingValue",
    settings: LifecycleSettings,
) -> "ir.StringValue":
    """The stage as an Ibis expression: prospect, new, active, loyal, at_risk or lapsed."""
    import ibis

    own = ibis.ifelse(orders >= settings.own_rhythm_orders, inter_purchase_days, settings.default_gap_days)
    gaps = recency_days / ibis.greatest(own, settings.shortest_gap_days)
    return ibis.cases(
        (orders == 0, "prospect"),
        (gaps > settings.lapsed_gaps, "lapsed"),
        (gaps > settings.at_risk_gaps, "at_risk"),
        (orders == 1, "new"),
        (orders >= settings.loyal_orders, "loyal"),
        else_="active",
    )
