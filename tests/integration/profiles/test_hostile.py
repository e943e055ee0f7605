"""One event never stops a shop, and a public key takes nobody over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.errors import EventError, NotFoundError
from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.events.segment import parse
from zhanggui.events.tables import event_position, event_users
from zhanggui.events.tables import events as hot_events
from zhanggui.profiles import consent, identity
from zhanggui.profiles.build import build
from zhanggui.profiles.consent import Consent
from zhanggui.profiles.glimpse import glimpse
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import Snapshot
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, -0.0, 1e300, -1e300, 5e-324, 2**53 + 1, 2**63, -(2**63) - 1, 10**20, 10**299),
    *(
        "",
        " ",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "1e300",
        "99999999999999999999",
        "0x10",
        "1_000",
        "١٢٣",
        "５",
        "null",
        "undefined",
    ),
    *(
        "[object Object]",
        "\u0000",
        "\u202e",
        "𝕏" * 200,
        "a" * 2_000,
        "'); DROP TABLE events; --",
        '"',
        "\\",
        "{",
        "$",
        "*",
    ),
    *("2026-02-30", "9999-12-31T23:59:59Z", "2026-02-01T00:00:00+23:59", "zh", "EN", "Mars/Olympus", "CNY", "cny "),
    *([], {}, [[]], [None], [{}], {"": ""}, {"$": 1, "a.b": 2, '"': 3, "*": 4}, {"a": [{"b": [1e300]}]}, [1e12] * 50),
    [{"product_id": "p", "price": 1e12, "quantity": 1e9}] * 20,
    [{"product_id": None, "price": "1e12", "quantity": "1e9", "category": "\u0000", "brand": "\u202e"}],
]
TRAITS = [
    "points",
    "email",
    "phone",
    "webhook",
    "language",
    "locale",
    "timezone",
    "firstName",
    "city",
    "address",
    "$",
    "a.b",
    "",
]
PROPERTIES = [
    "order_id",
    "revenue",
    "total",
    "discount",
    "currency",
    "coupon",
    "products",
    "product_id",
    "price",
    "quantity",
]
PROPERTIES += ["category", "brand", "channel", "decision_id", "sku"]
NAMES = [
    "Order Completed",
    "Order Updated",
    "Order Refunded",
    "Order Cancelled",
    "Product Viewed",
    "Email Opened",
    "Ours",
]
FIELDS = ["userId", "anonymousId", "previousId", "messageId", "groupId", "timestamp", "sentAt", "event", "name"]
FIELDS += ["category", "traits", "properties", "context"]


def hostile() -> Iterator[dict[str, Any]]:
    """Each value in each place where a message can have one."""
    for value in VALUES:
        for trait in TRAITS:
            yield {"type": "identify", "userId": "eve", "anonymousId": "x", "traits": {trait: value}}
        yield {"type": "identify", "userId": "eve", "context": {"traits": value}}
        for name in NAMES:
            for key in PROPERTIES:
                given = {"order_id": "e1", "revenue": 5, key: value}
                yield {"type": "track", "userId": "eve", "event": name, "properties": given}
        for kind in ("track", "identify", "alias", "group", "page"):
            for field in FIELDS:
                usual = {
                    "type": kind,
                    "userId": "eve",
                    "anonymousId": "x",
                    "event": "Ours",
                    "previousId": "x",
                    "groupId": "g",
                }
                yield usual | {field: value}


class Shop:
    """With one customer, Ann, of whom the shop knows everything by itself."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'shop.db'}")
        self.database.migrate()
        self.log = EventLog(self.database, folder / "log", heard=identity.hear)
        self.artifacts = ArtifactStore(folder)
        ann: list[dict[str, Any]] = [
            {
                "type": "identify",
                "userId": "ann",
                "anonymousId": "d",
                "traits": {"email": "ann@x.example", "points": 5},
            },
            {"type": "identify", "userId": "guest", "traits": {"phone": "+441"}},
            {"type": "alias", "userId": "ann", "previousId": "guest"},
            {
                "type": "track",
                "userId": "ann",
                "event": "Order Completed",
                "properties": {"order_id": "a1", "revenue": 9},
            },
        ]
        self.take(*(parse(message, received_at=NOW - timedelta(days=2)) for message in ann))
        said = {"purpose": "marketing", "granted": True, "at": NOW - timedelta(days=1), "how": "form", "text": "Yes."}
        with self.database.transaction() as connection:
            consent.record(connection, [Consent(customer_id="ann", channel="email", **said)], now=NOW)  # type: ignore[arg-type]

    def take(self, *events: Event) -> int:
        with self.database.transaction() as connection:
            return self.log.append(connection, events, now=NOW).stored

    def build(self, base: Snapshot | None = None, *, hours: int = 0) -> Snapshot:
        as_of = NOW + timedelta(hours=hours)
        return build(self.log, self.artifacts, as_of=as_of, settings=ProfileSettings(), now=as_of, base=base)

    def ann(self) -> dict[str, Any]:
        with self.database.reading() as connection:
            reached = {
                channel: identity.addresses(connection, ["ann"], channel) for channel in ("email", "sms", "webhook")
            }
            where = reached["email"]
            agreed = consent.granted(connection, ["ann"], "email", "marketing", at=NOW, addresses=where)
            return {
                "persons": identity.persons_of(connection, ["ann", "guest"]),
                "addresses": reached,
                "agreed": agreed,
                "profile": self.build().profile("ann").features,
            }


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.parametrize("trust", ["write", "server"])
def test_no_value_in_any_place_stops_a_shop_or_touches_another_customer(shop: Shop, trust: Any) -> None:
    before = shop.ann()
    good, refused = [], 0
    for number, message in enumerate(hostile()):
        try:
            good.append(parse({"messageId": f"m{number}", **message}, received_at=NOW, trust=trust))
        except EventError as error:
            assert error.problem
            refused += 1
    assert min(len(good), refused) > 1_000
    assert shop.take(*good) > 1_000
    after = shop.build()
    assert after.quarantined == ()
    assert "eve" in after.table()["customer_id"].to_pylist()
    assert shop.ann() == before


def test_a_thousand_events_of_a_public_key_take_nobody_over(shop: Shop) -> None:
    before = shop.ann()
    victim = [
        {"type": "alias", "userId": "eve", "previousId": "ann"},
        {"type": "alias", "userId": "eve", "previousId": "guest"},
        {"type": "identify", "userId": "eve", "anonymousId": "ann"},
        {"type": "identify", "userId": "eve", "anonymousId": "d"},
        {"type": "identify", "userId": "eve", "traits": {"email": "ann@x.example"}},
        {"type": "identify", "anonymousId": "ann", "traits": {"email": "ann@x.example"}},
        {"type": "track", "userId": "eve", "event": "Order Cancelled", "properties": {"order_id": "a1"}},
        {"type": "track", "userId": "eve", "event": "Order Refunded", "properties": {"order_id": "a1", "total": 9}},
        {"type": "track", "userId": "eve", "event": "Order Updated", "properties": {"order_id": "a1", "revenue": 1}},
        {"type": "track", "userId": "eve", "event": "Order Completed", "properties": {"order_id": "a1", "revenue": 1}},
    ]
    messages = [
        {
            "timestamp": (NOW - timedelta(hours=number)).isoformat(),
            "messageId": f"server-{number}",
            **victim[number % 10],
        }
        for number in range(1_000)
    ]
    assert shop.take(*(parse(message, received_at=NOW, trust="write") for message in messages)) == 1_000
    assert shop.ann() == before
    own = {"type": "track", "userId": "bob", "event": "Ours", "messageId": "server-7"}
    assert shop.take(parse(own, received_at=NOW)) == 1


def test_a_public_key_does_not_redirect_ann_by_naming_ann(shop: Shop) -> None:
    before = shop.ann()["addresses"]
    for address in ("eve@x.example", None, ""):
        told = {"type": "identify", "userId": "ann", "traits": {"email": address, "phone": address, "firstName": None}}
        shop.take(parse(told, received_at=NOW, trust="write"))
    assert shop.ann()["addresses"] == before


def poison(shop: Shop, who: str, body: str) -> None:
    """An event as an old shop's log may hold one."""
    row = {
        "seq": 1_000,
        "message_id": "poison",
        "type": "identify",
        "user_id": who,
        "timestamp": NOW,
        "received_at": NOW,
    }
    with shop.database.transaction() as connection:
        connection.execute(sa.insert(hot_events).values(**row, body=body))
        connection.execute(sa.insert(event_users).values(id=who, last_seq=row["seq"]))
        connection.execute(sa.update(event_position).values(position=row["seq"]))


@pytest.mark.parametrize("points", ["1e999", "NaN", "9" * 400, '"Infinity"', "-1e300", "[1]", '{"a": 1}'])
def test_points_of_any_kind_in_an_old_log_are_none(shop: Shop, points: str) -> None:
    poison(shop, "x", f'{{"traits": {{"points": {points}, "city": "A"}}}}')
    features = shop.build().profile("x").features
    assert (features["points"], features["city"]) == (None, "A")


def test_who_cannot_be_computed_is_quarantined_with_the_reason_and_everyone_else_goes_on(shop: Shop) -> None:
    base = shop.build()
    poison(shop, "x", '{"traits": {"points": ')
    for built in (shop.build(hours=1), shop.build(base, hours=2)):
        assert [(one.customer_id, "JSON" in one.reason) for one in built.quarantined] == [("x", True)]
        assert built.table()["customer_id"].to_pylist() == ["ann"]
        with pytest.raises(NotFoundError, match="JSON"):
            built.profile("x")
    seen = glimpse(shop.log, ["ann", "x"], as_of=NOW, settings=ProfileSettings())
    assert seen.table()["customer_id"].to_pylist() == ["ann"]
    with shop.database.transaction() as connection:
        connection.execute(sa.update(hot_events).where(hot_events.c.message_id == "poison").values(body="{}"))
    mended = shop.build(built, hours=3)
    assert mended.quarantined == ()
    assert mended.table()["customer_id"].to_pylist() == ["ann", "x"]
