"""The service desk in our tables: once a key, after a yes, for who has a proof, and written down."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zhanggui.errors import InputError
from zhanggui.money import Money
from zhanggui.service import desk_actions, order_store
from zhanggui.service.desk import Action, Cancel, ChangeAddress, DeskReceipt, DeskRequest, ExchangeItems
from zhanggui.service.order import Order
from zhanggui.service.order_facts import Statement
from zhanggui.service.proof import Proof
from zhanggui.service.table_desk import TableDesk
from zhanggui.storage import Database
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN = Proof(kind="token", customer_id="ann", visitor_id="v1")
BOB = Proof(kind="token", customer_id="bob")


def asked(
    action: Action, *, order_id: str = "W1001", key: str = "k", proof: Proof = ANN, yes: bool = True
) -> DeskRequest:
    return DeskRequest(key=key, order_id=order_id, action=action, proof=proof, confirmed=yes)


def done(database: Database, *requests: DeskRequest, now: datetime = NOW) -> list[DeskReceipt]:
    return TableDesk(database=database, clock=FixedClock(now)).perform(requests)


def order(database: Database, order_id: str = "#W1001") -> Order:
    with database.reading() as connection:
        found = order_store.find(connection, order_id)
    assert found is not None
    return found


def written(database: Database) -> list[tuple[str, ...]]:
    with database.reading() as connection:
        return [
            (one.key, one.order_id, one.customer_id, one.proof, one.action["kind"], one.outcome, one.reason)
            for one in reversed(desk_actions.latest(connection, limit=99))
        ]


def test_nothing_is_done_without_a_yes_and_what_it_would_cost_is_said(orders: Database) -> None:
    before = order(orders)
    (receipt,) = done(orders, asked(Cancel(), yes=False))
    assert (receipt.outcome, receipt.balance) == ("unconfirmed", Money(currency="USD", minor=-2_000))
    assert order(orders) == before
    assert written(orders) == []


def test_a_cancellation_is_done_once_and_written_down(orders: Database) -> None:
    first, second = done(orders, asked(Cancel(reason="no need")), asked(Cancel(reason="no need")))
    assert first.outcome == "done"
    assert first.order == order(orders)
    assert first == second
    assert order(orders).state == "cancelled"
    assert [one.kind for one in order(orders).payments] == ["payment", "refund"]
    assert written(orders) == [("k", "#W1001", "ann", "token", "cancel", "done", "")]


def test_a_key_means_one_request(orders: Database) -> None:
    done(orders, asked(ChangeAddress(address={"street": "2"})))
    other = [asked(Cancel()), asked(ChangeAddress(address={"street": "2"}), order_id="W1002")]
    assert [one.reason for one in done(orders, *other)] == ["key_reused", "key_reused"]
    assert order(orders).state == "pending"
    assert len(written(orders)) == 1


@pytest.mark.parametrize("yes", [True, False])
def test_another_customers_order_is_as_if_it_were_not_there(orders: Database, yes: bool) -> None:
    before = order(orders)
    theirs, none = done(
        orders,
        asked(Cancel(), proof=BOB, key="1", yes=yes),
        asked(Cancel(), proof=BOB, key="2", order_id="W7777", yes=yes),
    )
    assert (theirs.outcome, theirs.reason, theirs.order, theirs.balance) == ("refused", "no_such_order", None, None)
    assert none == replace(theirs, key="2", order_id="W7777")
    assert order(orders) == before
    assert len(written(orders)) == (2 if yes else 0), "who tried is written down"


def test_a_proof_of_one_order_does_nothing_with_another(orders: Database) -> None:
    proof = Proof(kind="order", customer_id="ann", order_id="#W1002")
    (receipt,) = done(orders, asked(Cancel(), proof=proof))
    assert receipt.reason == "no_such_order"


def test_an_address_and_an_exchange_change_the_order(orders: Database) -> None:
    done(orders, asked(ChangeAddress(address={"street": "Elm 3"}), key="1"))
    swap = ExchangeItems(item_ids=("cup-s",), new_item_ids=("cup-m",))
    (receipt,) = done(orders, asked(swap, key="2"))
    assert receipt.balance == Money(currency="USD", minor=250)
    assert order(orders).address == {"street": "Elm 3"}
    assert [(one.item_id, one.quantity) for one in order(orders).lines] == [("cup-s", 1), ("cup-m", 1)]
    (later,) = done(orders, asked(swap, key="3", order_id="w1002"))
    assert later.outcome == "done"
    assert order(orders, "#W1002").state == "exchange requested"


def test_a_refusal_is_written_down_with_its_reason(orders: Database) -> None:
    (receipt,) = done(orders, asked(Cancel(), order_id="W1002"))
    assert (receipt.outcome, receipt.reason) == ("refused", "not_pending")
    assert written(orders) == [("k", "#W1002", "ann", "token", "cancel", "refused", "not_pending")]
    assert done(orders, asked(Cancel(), order_id="W1002")) == [receipt]


def test_what_the_desk_did_holds_although_the_shops_clock_is_ahead(orders: Database) -> None:
    ahead = NOW + timedelta(minutes=5)
    with orders.transaction() as connection:
        said = Statement(order_id="#W1001", at=ahead, source="event", rank=3, fields={"state": "pending"})
        order_store.record(connection, [said])
    done(orders, asked(Cancel()))
    assert order(orders).state == "cancelled"


@pytest.mark.parametrize("key", ["", "x" * 129, "a\0b", "a\nb"])
def test_a_key_that_cannot_be_one_is_refused(orders: Database, key: str) -> None:
    with pytest.raises(InputError, match="key"):
        done(orders, asked(Cancel(), key=key))


def test_hostile_order_numbers_and_reasons_are_kept_as_plain_text(orders: Database) -> None:
    hostile = "\0\ud800'; DROP TABLE orders; --" * 100
    receipts = done(
        orders, asked(Cancel(reason="x"), order_id=hostile, key="1"), asked(Cancel(reason="a" * 5_000), key="2")
    )
    assert [one.outcome for one in receipts] == ["refused", "done"]
    assert len(order(orders).cancel_reason) == 1_000


def test_two_workers_do_a_request_once(orders: Database) -> None:
    start, receipts, lock = threading.Barrier(4), list[DeskReceipt](), threading.Lock()

    def work(key: str) -> None:
        start.wait(60)
        made = done(orders, asked(Cancel(), key=key))
        with lock:
            receipts.extend(made)

    threads = [threading.Thread(target=work, args=(key,)) for key in ("a", "a", "b", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = {(one.key, one.outcome, one.reason) for one in receipts}
    assert len(receipts) == 4
    assert sorted(outcome for _, outcome, _ in outcomes) == ["done", "refused"], outcomes
    assert [one.kind for one in order(orders).payments] == ["payment", "refund"]
