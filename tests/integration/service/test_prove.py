"""Who asks about an order: three wrong tries close it, nobody learns which orders there are, and proofs follow the person."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from zhanggui.errors import InputError
from zhanggui.profiles import identity
from zhanggui.profiles.learn_identity import Address, Alias, Learned
from zhanggui.service.order import Order
from zhanggui.service.proof import NoProof, Proof
from zhanggui.service.prove import opened_by, orders_of, prove
from zhanggui.storage import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def tried(
    database: Database, number: str, *, email: str = "", phone: str = "", visitor: str = "v", now: datetime = NOW
) -> Proof | NoProof:
    with database.transaction() as connection:
        return prove(connection, number, visitor_id=visitor, email=email, phone=phone, now=now)


def learned(database: Database, *, aliases: tuple[Alias, ...] = (), addresses: tuple[Address, ...] = ()) -> None:
    with database.transaction() as connection:
        identity.apply(connection, Learned(aliases=aliases, links=(), addresses=addresses))


def address(customer: str, email: str, *, trusted: bool = True) -> Address:
    return Address(customer_id=customer, channel="email", address=email, since=NOW, trusted=trusted)


def ids(orders: list[Order]) -> list[str]:
    return [order.order_id for order in orders]


@pytest.mark.parametrize(
    ("number", "email", "phone"),
    [
        ("#W1001", "ann@example.com", ""),
        (" w 1001 ", " ANN@EXAMPLE.COM ", ""),
        ("＃Ｗ１００１", "", "001 (555) 01-00"),
        ("W1001", "ann@example.com", "+1-555-0100"),
    ],
)
def test_number_and_address_open_an_order_however_they_are_written(
    orders: Database, number: str, email: str, phone: str
) -> None:
    proof = tried(orders, number, email=email, phone=phone)
    assert proof == Proof(kind="order", customer_id="ann", order_id="#W1001", visitor_id="v")


def test_a_proof_of_an_order_opens_that_one_alone(orders: Database) -> None:
    proof = tried(orders, "W1001", email="ann@example.com")
    assert isinstance(proof, Proof)
    with orders.reading() as connection:
        assert ids(orders_of(connection, proof, limit=9)) == ["#W1001"]
        assert opened_by(connection, proof, "w1001") is not None
        assert opened_by(connection, proof, "w1002") is None


def test_where_both_addresses_are_given_both_must_fit(orders: Database) -> None:
    assert tried(orders, "W1001", email="ann@example.com", phone="999") == NoProof(closed=False)


def test_a_wrong_address_and_an_unknown_order_are_answered_alike(orders: Database) -> None:
    wrong = [tried(orders, "W1001", email="bob@example.com", visitor=f"a{n}") for n in range(5)]
    unknown = [tried(orders, "W9999", email="bob@example.com", visitor=f"b{n}") for n in range(5)]
    assert wrong == unknown == [NoProof(closed=False)] * 3 + [NoProof(closed=True)] * 2


def test_three_wrong_tries_close_the_visitor_for_every_order(orders: Database) -> None:
    for number in ("W1", "W2", "W3"):
        assert tried(orders, number, email="ann@example.com") == NoProof(closed=False)
    assert tried(orders, "W1001", email="ann@example.com") == NoProof(closed=True)
    assert isinstance(tried(orders, "W1001", email="ann@example.com", visitor="another"), Proof)


def test_three_wrong_tries_close_the_order_for_every_visitor_and_open_after_a_day(orders: Database) -> None:
    for visitor in ("a", "b", "c"):
        tried(orders, "#w1001", email="x@example.com", visitor=visitor)
    assert tried(orders, "W1001", email="ann@example.com", visitor="d") == NoProof(closed=True)
    almost, after = NOW + timedelta(hours=24, seconds=-1), NOW + timedelta(hours=24)
    assert tried(orders, "W1001", email="ann@example.com", visitor="d", now=almost) == NoProof(closed=True)
    assert isinstance(tried(orders, "W1001", email="ann@example.com", visitor="d", now=after), Proof)


def test_two_workers_count_together(orders: Database) -> None:
    """Eight at once: three are looked at, whichever they are."""
    start, answers, lock = threading.Barrier(8), list[Proof | NoProof](), threading.Lock()

    def guess(number: int) -> None:
        start.wait(60)
        answer = tried(orders, "W1001", email=f"guess{number}@example.com", visitor=f"v{number}")
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.closed for answer in answers if isinstance(answer, NoProof)) == [False] * 3 + [True] * 5


def test_what_cannot_be_a_try_is_refused_and_counts_nothing(orders: Database) -> None:
    for number, email in (("", "a@example.com"), ("#", "a@example.com"), ("W1001", " ")):
        for _ in range(4):
            with pytest.raises(InputError):
                tried(orders, number, email=email)
    assert isinstance(tried(orders, "W1001", email="ann@example.com"), Proof)


@pytest.mark.parametrize("text", ["\0", "\ud800@example.com", "a" * 100_000 + "@" + "b" * 100_000, "' OR 1=1 --", "%"])
def test_hostile_numbers_and_addresses_are_wrong_tries(orders: Database, text: str) -> None:
    assert tried(orders, f"W1{text}", email=text) == NoProof(closed=False)


def test_an_order_without_addresses_opens_by_those_the_shop_knows_of_the_customer(orders: Database) -> None:
    assert tried(orders, "W1002", email="ann@home.example") == NoProof(closed=False)
    learned(orders, addresses=(address("ann", "ann@home.example"),))
    assert isinstance(tried(orders, "W1002", email="Ann@home.example"), Proof)


def test_an_address_that_a_public_key_gave_opens_nothing(orders: Database) -> None:
    learned(orders, addresses=(address("ann", "thief@example.com", trusted=False),))
    assert tried(orders, "W1002", email="thief@example.com") == NoProof(closed=False)


def test_a_token_opens_the_orders_of_the_person_and_of_nobody_else(orders: Database) -> None:
    ann, bob = (Proof(kind="token", customer_id=name) for name in ("ann", "bob"))
    with orders.reading() as connection:
        assert sorted(ids(orders_of(connection, ann, limit=9))) == ["#W1001", "#W1002"]
        assert len(orders_of(connection, ann, limit=1)) == 1
        assert opened_by(connection, bob, "W1001") is None
    learned(orders, aliases=(Alias(from_id="ann", to_id="bob", since=NOW),))
    with orders.reading() as connection:
        assert len(orders_of(connection, bob, limit=9)) == 3
        assert opened_by(connection, bob, "W1001") is not None
