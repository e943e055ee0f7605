"""Which customers an earlier snapshot may be wrong about, as queries over the log and that snapshot. Runs nothing."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from zhanggui.profiles.orders import ORDERS
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.resolution import known_identities, resolve

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir

BASE = "base"
"""The table of the profiles of the earlier snapshot."""
SPOKEN, TOUCHED = "spoken", "touched"
"""The tables of the customers (customer_id) and of the visitors (anonymous_id) whom something has happened to."""


@dataclass(frozen=True, kw_only=True)
class Staleness:
    """DuckDB's SQL: each query answers customer ids, as of the moment in the variable `as_of`."""

    happened: str
    """Whom something has happened to after the moment in the variable `since`."""
    windowed: str
    """Of whom something is counted within a window that moves on."""
    sharing: str
    """Who shares an order with someone in SPOKEN or TOUCHED: whose it is, and what it comes to, may have changed."""


@lru_cache(maxsize=64)
def staleness(events: "ibis.Schema", *, persons: bool, devices: bool) -> Staleness:
    """The queries over a log of this schema; `persons` and `devices`: whether there are such tables."""
    import ibis

    from zhanggui.profiles.duckdb_functions import as_of_variable

    log, as_of = ibis.table(events, name="log"), as_of_variable("as_of")
    identities = known_identities(persons=persons, devices=devices)
    happened = resolve(log.filter(log.timestamp > as_of_variable("since")), identities, as_of=as_of)
    old = ibis.table(ibis.Schema.from_pyarrow(SNAPSHOT_SCHEMA), name=BASE)
    counted = old.views + old.carts + old.messages_received + old.messages_opened + old.messages_clicked > 0
    ordered = resolve(log.filter(log.name.isin(ORDERS)), identities, as_of=as_of, strangers=True)
    spoken = ibis.table({"customer_id": "string"}, name=SPOKEN)
    touched = ibis.table({"anonymous_id": "string"}, name=TOUCHED)
    strangers = ordered.filter(ordered.customer_id.isnull()).semi_join(touched, "anonymous_id")
    named = ordered.semi_join(spoken, "customer_id").select("order_id").union(strangers.select("order_id"))
    sharing = ordered.semi_join(named.filter(named.order_id.notnull()), "order_id")
    return Staleness(
        happened=_ids(happened),
        windowed=_ids(old.filter(counted | old.preferred_channel.notnull())),
        sharing=_ids(sharing.filter(sharing.customer_id.notnull())),
    )


def _ids(customers: "ir.Table") -> str:
    import ibis

    return str(ibis.to_sql(customers.select("customer_id").distinct(), dialect="duckdb"))
