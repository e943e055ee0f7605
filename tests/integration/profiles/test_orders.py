"""What an order comes to, and whose it is: by its id within the shop, whoever names it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zhanggui.errors import NotFoundError
from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.profiles import identity
from zhanggui.profiles.build import build
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Shop:
    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'shop.db'}")
        self.database.migrate()
        self.log = EventLog(self.database, folder / "log", heard=identity.hear)
        self.artifacts, self.said = ArtifactStore(folder), 0

    def say(
        self, name: str, who: str | None, *, on: str | None = None, trust: Any = "server", **properties: Any
    ) -> None:
        self.said += 1
        at = NOW - timedelta(days=90 - self.said)
        event = Event(
            message_id=f"m{self.said}",
            type="track",
            name=name,
            timestamp=at,
            received_at=at,
            user_id=who,
            anonymous_id=on,
            properties=properties,
            trust=trust,
        )
        with self.database.transaction() as connection:
            self.log.append(connection, [event], now=NOW)

    def totals(self, *who: str) -> list[tuple[int, int] | None]:
        """Orders and revenue in yuan of each; None for who has no profile."""
        snapshot = build(self.log, self.artifacts, as_of=NOW, settings=ProfileSettings(), now=NOW)
        found: list[tuple[int, int] | None] = []
        for one in who:
            try:
                features = snapshot.profile(one).features
                found.append((features["orders"], features["revenue_minor"] // 100))
            except NotFoundError:
                found.append(None)
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_back_office_cancels_whatever_it_is_called(shop: Shop) -> None:
    shop.say("Order Completed", "ann", order_id="1", revenue=50)
    shop.say("Order Completed", "ann", order_id="2", revenue=30)
    shop.say("Order Cancelled", None, on="back office", order_id="1")
    shop.say("Order Completed", "bob", order_id="2", revenue=30)
    assert shop.totals("ann", "bob") == [(1, 30), (0, 0)]


def test_an_update_changes_what_an_order_comes_to_and_the_last_one_holds(shop: Shop) -> None:
    shop.say("Order Completed", "ann", order_id="1", revenue=100)
    shop.say("Order Updated", "ann", order_id="1", revenue=60)
    shop.say("Order Updated", "ann", order_id="1", revenue=70)
    shop.say("Order Updated", "ann", order_id="1")
    shop.say("Order Updated", "ann", order_id="nobody's", revenue=5)
    assert shop.totals("ann") == [(1, 70)]


REFUNDS: list[tuple[list[dict[str, Any]], int]] = [
    ([{"order_id": "1"}], 0),
    ([{"order_id": "1", "products": [{"product_id": "p", "price": 10, "quantity": 2}, {"product_id": "q"}]}], 30),
    ([{"order_id": "1", "products": [{"product_id": "p", "price": -10, "quantity": -2}]}], 30),
    ([{"order_id": "1", "products": []}], 0),
    ([{"order_id": "1", "total": -15}], 35),
    ([{"order_id": "1", "revenue": "-15"}], 35),
    ([{"order_id": "1", "total": 15}, {"order_id": "1", "total": 15}], 20),
    ([{"order_id": "1", "total": 15}, {"order_id": "1", "total": 50}], 0),
    ([{"total": 15}], 35),
    ([{"total": 80}], 0),
    ([{"order_id": "1", "total": 15, "currency": "USD"}], 50),
    ([{"order_id": "unknown", "total": 15}], 50),
    ([{"order_id": "1", "products": [{"product_id": "p", "price": 1e12, "quantity": 1e9}]}], 0),
]


@pytest.mark.parametrize(("refunds", "left"), REFUNDS)
def test_a_refund_of_any_shape_is_taken_off_and_never_more_than_there_was(
    shop: Shop, refunds: list[dict[str, Any]], left: int
) -> None:
    shop.say("Order Completed", "ann", order_id="1", revenue=50)
    for refund in refunds:
        shop.say("Order Refunded", "ann", **refund)
    assert shop.totals("ann") == [(1, left)]


def test_amounts_of_other_currencies_are_no_part_of_a_sum(shop: Shop) -> None:
    for number, currency in enumerate(["CNY", "USD", "JPY"]):
        shop.say("Order Completed", "ann", order_id=str(number), revenue=100, currency=currency, discount=10)
    snapshot = build(shop.log, shop.artifacts, as_of=NOW, settings=ProfileSettings(), now=NOW)
    features = snapshot.profile("ann").features
    assert (features["orders"], features["foreign_orders"], snapshot.foreign_orders) == (3, 2, 2)
    assert (features["revenue_minor"], features["average_order_minor"]) == (10_000, 10_000)
    assert features["discount_share"] == pytest.approx(10 / 110)


def test_no_number_of_the_largest_orders_overflows(shop: Shop) -> None:
    for number in range(40):
        shop.say("Order Completed", "ann", order_id=str(number), revenue=1e12, discount=1e12)
        shop.say("Order Refunded", "ann", total=1e12)
    assert shop.totals("ann") == [(40, 0)]


# Public keys


def test_a_public_key_says_nothing_of_an_order_that_the_shop_knows(shop: Shop) -> None:
    shop.say("Order Completed", "ann", order_id="1", revenue=50)
    for who in ("ann", "eve"):
        shop.say("Order Completed", who, order_id="1", revenue=900, trust="write")
        for name in ("Order Cancelled", "Order Refunded", "Order Updated"):
            shop.say(name, who, order_id="1", revenue=1, trust="write")
    assert shop.totals("ann", "eve") == [(1, 50), (0, 0)]


def test_of_an_order_that_only_a_public_key_named_each_says_its_own(shop: Shop) -> None:
    shop.say("Order Completed", "ann", order_id="1", revenue=50, trust="write")
    shop.say("Order Completed", "eve", order_id="1", revenue=900, trust="write")
    shop.say("Order Cancelled", "eve", order_id="1", trust="write")
    assert shop.totals("ann", "eve") == [(1, 50), (0, 0)]
    shop.say("Order Refunded", None, on="back office", order_id="1", total=20)
    assert shop.totals("ann", "eve") == [(1, 30), (0, 0)]
    shop.say("Order Completed", "bob", order_id="1", revenue=70)
    assert shop.totals("ann", "eve", "bob") == [(0, 0), (0, 0), (1, 50)]
