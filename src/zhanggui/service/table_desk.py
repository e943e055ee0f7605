"""A service desk in our own tables: the order changes here, and the shop reads it here. Knows no other system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.catalog.store import find_variants
from zhanggui.service import desk_actions, order_store
from zhanggui.service.desk import DeskReceipt, DeskRequest
from zhanggui.service.desk_rules import Ruling, items_of, rule
from zhanggui.service.order import Order
from zhanggui.service.order_facts import Statement, fields_of
from zhanggui.service.prove import opened_by
from zhanggui.storage import Database

_RANK = 4
"""What the desk does counts above what an event says of the same moment."""


@dataclass(frozen=True, kw_only=True)
class TableDesk:
    """Each request is one transaction: it holds the order, judges, changes it and writes the action down."""

    database: Database
    clock: Callable[[], datetime]

    def perform(self, requests: Sequence[DeskRequest]) -> list[DeskReceipt]:
        """Do what is asked, each key once; one receipt a request, in order."""
        return [self._perform(request) for request in requests]

    def _perform(self, request: DeskRequest) -> DeskReceipt:
        now = self.clock()
        with self.database.transaction() as connection:
            receipt, ruling = taken_up(connection, request, now=now)
            if receipt.outcome == "in_doubt" and ruling is not None and ruling.order is not None:
                receipt = replace(
                    receipt, outcome="done", order=_change(connection, receipt.order, ruling.order, request, now)
                )
                desk_actions.finish(connection, receipt)
        return receipt


def taken_up(connection: sa.Connection, request: DeskRequest, *, now: datetime) -> tuple[DeskReceipt, Ruling | None]:
    """A request judged, and, if it was confirmed, written down: refused, or in doubt until somebody has done what was ruled.

    Without a ruling the receipt is that of an earlier request of the same key.
    """
    new = desk_actions.claim(connection, request, now=now) if request.confirmed else True
    opened = opened_by(connection, request.proof, request.order_id)
    order = order_store.held(connection, opened.order_id) if opened else None
    if not new or not request.confirmed:
        earlier = desk_actions.receipt_of(connection, request, order)
        if earlier is not None:
            return earlier, None
    products = find_variants(connection, items_of(request.action))
    ruling = (
        rule(order, request.action, products=products, key=request.key, now=now)
        if order
        else Ruling(reason="no_such_order")
    )
    receipt = DeskReceipt(
        key=request.key,
        order_id=order.order_id if order else request.order_id,
        outcome="refused" if ruling.reason else "in_doubt" if request.confirmed else "unconfirmed",
        reason=ruling.reason,
        order=order,
        balance=ruling.balance,
    )
    if request.confirmed:
        desk_actions.finish(connection, receipt)
    return receipt, ruling


def _change(
    connection: sa.Connection, before: Order | None, after: Order, request: DeskRequest, now: datetime
) -> Order | None:
    """Keep what the desk has changed of an order; returns it as it stands now."""
    was = fields_of(before) if before else {}
    at = max(now, after.updated_at + timedelta(microseconds=1))  # clocks differ; what was just seen comes before
    fields = {field: value for field, value in fields_of(after).items() if was.get(field) != value}
    statement = Statement(order_id=after.order_id, at=at, source=request.key, rank=_RANK, fields=fields)
    order_store.record(connection, [statement])
    return order_store.find(connection, after.order_id)
