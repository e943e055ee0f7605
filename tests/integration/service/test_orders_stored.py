"""Orders in both databases: from events as they are stored, from rows, by several writers at once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.service import order_events, order_store
from zhanggui.service.order_facts import Statement
from zhanggui.storage import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def log(database: Database, folder: Path) -> EventLog:
    return EventLog(database, folder / "events", heard=order_events.hear)


def event(name: str, order_id: str, minutes: int = 0, **properties: object) -> Event:
    moment = NOW + timedelta(minutes=minutes)
    return Event(
        message_id=f"{name} {order_id} {minutes}",
        type="track",
        name=name,
        timestamp=moment,
        received_at=moment,
        user_id="ann",
        properties={"order_id": order_id, "currency": "CNY", **properties},
    )


def test_orders_are_heard_in_the_transaction_that_stores_the_events(database: Database, tmp_path: Path) -> None:
    events = [
        event("Order Cancelled", "1", 9),
        event("Order Completed", "1", revenue=5, products=[{"product_id": "tea", "price": 5}]),
        event("Order Completed", "2", revenue=7),
        event("Order Updated", "3", 1, status="shipped"),
    ]
    with database.transaction() as connection:
        log(database, tmp_path).append(connection, events, now=NOW)
        log(database, tmp_path).append(connection, events, now=NOW)
    with database.reading() as connection:
        assert [(one.order_id, one.state) for one in order_store.every(connection)] == [
            ("1", "cancelled"),
            ("2", "pending"),
        ]
        assert order_store.count(connection) == 3
        assert order_store.find(connection, "3") is None
        assert [one.order_id for one in order_store.of_customers(connection, ["ann"], limit=5)] == ["2", "1"]


def test_what_two_writers_say_of_one_order_at_once_is_all_kept(database: Database) -> None:
    start = threading.Barrier(2)

    def write(name: str) -> None:
        for number in range(10):
            fields = {f"shipment:{name}{number}": number, "placed_at": NOW.isoformat()}
            said = Statement(order_id="1", at=NOW, source=f"{name}{number}", fields=fields)
            if number == 0:
                start.wait(60)
            with database.transaction() as connection:
                order_store.record(connection, [said])

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        facts = json.loads(connection.execute(sa.select(order_store.orders.c.facts)).scalar_one())
    assert len(facts) == 21


def test_two_shops_in_which_the_same_was_done_have_one_digest(orders: Database) -> None:
    def digest() -> str:
        with orders.reading() as connection:
            return order_store.digest(connection)

    def say(minutes: int, **fields: object) -> None:
        said = Statement(order_id="#W1001", at=NOW + timedelta(minutes=minutes), source=str(minutes), fields=fields)
        with orders.transaction() as connection:
            order_store.record(connection, [said])

    before = digest()
    say(1, state="pending")
    assert digest() == before, "said again, nothing is new"
    for change in ({"state": "cancelled"}, {"address": {"street": "2"}}, {"cancel_reason": "x"}):
        changed = before
        say(2, **change)
        assert digest() != changed
        before = digest()
