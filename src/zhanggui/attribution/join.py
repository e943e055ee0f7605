"""Joins decisions to what their customers did afterwards, within a window. Judges no effect.

The clock starts at the decision for every arm alike (intention to treat): a holdout customer has no sending time, and
who was treated but not reached stays in the treated group.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from zhanggui.attribution.reward import SCHEMA
from zhanggui.profiles.resolution import Resolution, attached, resolve

if TYPE_CHECKING:
    import ibis.expr.types as ir

_OPENED = ["Message Opened", "Email Opened"]
_CLICKED = ["Message Clicked", "Email Link Clicked"]
_ANSWERS = [*_OPENED, *_CLICKED, "Order Completed"]


def join(
    decisions: pa.Table,
    events: "ir.Table",
    resolution: Resolution,
    *,
    window_days: int,
    reward: str,
    now: datetime,
    currency: str,
) -> pa.Table:
    """One row a decision in reward.SCHEMA, in the order of decision ids.

    `decisions`: rows of the decision log. `events`: the log (LOG_SCHEMA). `resolution`: who is who now, so that a decision
    about an id that was merged since finds its customer. `reward`: "conversion" (0 or 1), "clicked" (0 or 1) or "revenue"
    (minor units of `currency`; amounts in others do not count). `mature` is false while the window is open.
    """
    import ibis

    backend = events.get_backend()
    window = timedelta(days=window_days)
    backend.con.register(
        "decided",
        decisions.select(["decision_id", "customer_id", "arm", "intended_id", "decided_at"]).cast(
            pa.schema(
                [
                    ("decision_id", pa.string()),
                    ("customer_id", pa.string()),
                    ("arm", pa.string()),
                    ("intended_id", pa.string()),
                    ("decided_at", pa.timestamp("us", tz="UTC")),
                ]
            )
        ),
    )
    decided = backend.table("decided")
    identities = attached(events, resolution)
    happened = resolve(events.filter(events.name.isin(_ANSWERS)), identities, as_of=now)
    happened = happened.select(
        "customer_id",
        "name",
        revenue_minor=ibis.ifelse(happened.currency == currency, happened.revenue_minor, ibis.null("int64")),
        at="timestamp",
        about=happened.decision_id,
        order_key=happened.order_id.coalesce(happened.message_id),
    )
    about = decided.select("decision_id", "customer_id", "decided_at")
    if identities.persons is not None:
        about = about.left_join(identities.persons, about.customer_id == identities.persons.from_id)
        about = about.select("decision_id", "decided_at", customer_id=about.person_id.coalesce(about.customer_id))
    about = about.view()  # of its own: what happened was joined to the same table of persons
    pairs = about.inner_join(happened, "customer_id")
    pairs = pairs.filter(
        pairs["at"] > pairs.decided_at, pairs["at"] <= pairs.decided_at + ibis.interval(days=window_days)
    )
    # An open or a click says which decision it answers; an order answers whatever was decided before it.
    own = pairs.about.isnull() | (pairs.about == pairs.decision_id)
    ordered = pairs.name == "Order Completed"
    orders = (
        pairs.filter(ordered).group_by("decision_id", "order_key").agg(revenue=pairs.revenue_minor.max().fill_null(0))
    )
    bought = orders.group_by("decision_id").agg(orders=orders.count(), revenue_minor=orders.revenue.sum())
    answered = pairs.group_by("decision_id").agg(
        opened=(own & pairs.name.isin(_OPENED)).any(), clicked=(own & pairs.name.isin(_CLICKED)).any()
    )
    table = decided.left_join(bought, "decision_id").drop("decision_id_right")
    table = table.left_join(answered, "decision_id").drop("decision_id_right")
    count, revenue = table.orders.fill_null(0), table.revenue_minor.fill_null(0)
    clicked = table.clicked.fill_null(False)
    value = {
        "conversion": (count > 0).cast("float64"),
        "clicked": clicked.cast("float64"),
        "revenue": revenue.cast("float64"),
    }[reward]
    found = table.select(
        "decision_id",
        "customer_id",
        "arm",
        "intended_id",
        opened=table.opened.fill_null(False),
        clicked=clicked,
        orders=count,
        revenue_minor=revenue,
        reward=value,
        mature=table.decided_at + ibis.interval(days=window.days) <= ibis.literal(now),
    )
    return found.order_by("decision_id").to_pyarrow().cast(SCHEMA)
