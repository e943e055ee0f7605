"""Orders in SQL, one row each: what was said of it, field by field. Knows neither events nor who may see an order."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from zhanggui.service.order import Order
from zhanggui.service.order_facts import Facts, Statement, merged, order_of
from zhanggui.storage.database import insert, metadata

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("order_id", sa.String(256), primary_key=True),
    sa.Column("number", sa.String(256), nullable=False, index=True),
    sa.Column("customer_id", sa.String(256), nullable=False, index=True),
    sa.Column("facts", sa.Text, nullable=False),
)
_CHUNK = 1_000


def number_of(text: str) -> str:
    """An order's number as it is compared, however it is typed: "#w 123" is W123."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in composed if sign.isprintable() and not sign.isspace()).lstrip("#")


def record(connection: sa.Connection, statements: Iterable[Statement]) -> int:
    """Keep what was said of orders; returns of how many."""
    of_order: dict[str, list[Statement]] = {}
    for statement in statements:
        of_order.setdefault(statement.order_id, []).append(statement)
    order_ids = sorted(of_order)
    for start in range(0, len(order_ids), _CHUNK):
        chunk = order_ids[start : start + _CHUNK]
        known = _held(connection, chunk)
        for order_id in chunk:
            for statement in of_order[order_id]:
                known[order_id] = merged(known[order_id], statement)
        _write(connection, known)
    return len(order_ids)


def find(connection: sa.Connection, order_id: str) -> Order | None:
    """The order of exactly this id."""
    facts = connection.scalar(sa.select(orders.c.facts).where(orders.c.order_id == order_id))
    return None if facts is None else order_of(order_id, _facts(facts))


def held(connection: sa.Connection, order_id: str) -> Order | None:
    """The order of exactly this id, which nobody else changes until the transaction ends."""
    row = connection.execute(sa.select(orders).where(orders.c.order_id == order_id).with_for_update()).first()
    return None if row is None else order_of(order_id, _facts(row.facts))


def numbered(connection: sa.Connection, typed: str) -> list[Order]:
    """The orders whose number may be meant by what somebody typed."""
    query = sa.select(orders).where(orders.c.number == number_of(typed)[:256]).order_by(orders.c.order_id)
    return list(_orders(connection, query))


def of_customers(connection: sa.Connection, customer_ids: Sequence[str], *, limit: int) -> list[Order]:
    """The orders of these ids, the newest first."""
    query = sa.select(orders).where(orders.c.customer_id.in_(customer_ids))
    newest = sorted(_orders(connection, query), key=lambda order: (order.placed_at, order.order_id), reverse=True)
    return newest[:limit]


def every(connection: sa.Connection) -> Iterator[Order]:
    """All orders, by id."""
    return _orders(connection, sa.select(orders).order_by(orders.c.order_id))


def count(connection: sa.Connection) -> int:
    """How many orders something was said of."""
    return connection.execute(sa.select(sa.func.count()).select_from(orders)).scalar_one()


def digest(connection: sa.Connection) -> str:
    """SHA-256 of all orders as they stand, without moments and without the ids of what was added: two shops in which the same
    was done have the same.
    """
    hashed = hashlib.sha256()
    for order in every(connection):
        payments = sorted((one.kind, str(one.amount), one.method) for one in order.payments)
        returns = sorted((one.kind, one.item_ids, one.new_item_ids, str(one.balance)) for one in order.returns)
        shipments = sorted((one.carrier, one.tracking, one.item_ids) for one in order.shipments)
        lines = [(one.item_id, sorted(one.options.items()), str(one.price), one.quantity) for one in order.lines]
        said: list[Any] = [
            order.order_id,
            order.customer_id,
            order.state,
            lines,
            str(order.total),
            order.email,
            order.phone,
        ]
        said += [sorted(order.address.items()), payments, shipments, returns, order.cancel_reason]
        hashed.update(json.dumps(said).encode() + b"\n")
    return hashed.hexdigest()


def _orders(connection: sa.Connection, query: sa.Select[tuple[str, str, str, str]]) -> Iterator[Order]:
    for row in connection.execute(query):
        order = order_of(row.order_id, _facts(row.facts))
        if order is not None:
            yield order


def _held(connection: sa.Connection, order_ids: Sequence[str]) -> dict[str, Facts]:
    """What is known of these orders; nobody else changes it until the transaction ends."""
    if connection.dialect.name != "sqlite":  # there a transaction holds the whole database
        rows = [{"order_id": one, "number": "", "customer_id": "", "facts": "{}"} for one in order_ids]
        connection.execute(insert(connection, orders).on_conflict_do_nothing(), rows)
    query = sa.select(orders.c.order_id, orders.c.facts).where(orders.c.order_id.in_(order_ids))
    rows_held = connection.execute(query.order_by(orders.c.order_id).with_for_update())
    known = {row.order_id: _facts(row.facts) for row in rows_held}
    return {order_id: known.get(order_id, {}) for order_id in order_ids}


def _write(connection: sa.Connection, known: Mapping[str, Facts]) -> None:
    upsert = insert(connection, orders)
    changed = {name: upsert.excluded[name] for name in ("number", "customer_id", "facts")}
    rows = [
        {
            "order_id": order_id,
            "number": number_of(order_id)[:256],
            "customer_id": facts["customer_id"][3] if "customer_id" in facts else "",
            "facts": json.dumps(facts, ensure_ascii=False, separators=(",", ":")),
        }
        for order_id, facts in known.items()
    ]
    connection.execute(upsert.on_conflict_do_update(index_elements=["order_id"], set_=changed), rows)


def _facts(text: str) -> Facts:
    return {field: (at, rank, source, value) for field, (at, rank, source, value) in json.loads(text).items()}
