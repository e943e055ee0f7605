"""A public write key in a stranger's hands: a thousand hostile events later every customer is as before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from zhanggui.api import create_app
from zhanggui.engine import Engine
from zhanggui.profiles import consent, identity
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MINE = "stranger@evil.example"
VICTIMS = [f"customer-{number:03d}" for number in range(1, 501)]
Message = dict[str, Any]


class Shop:
    """The sample shop, served, with a key of each kind."""

    def __init__(self, engine: Engine, client: TestClient) -> None:
        self.engine, self.client = engine, client
        self.keys = {scope: engine.keys.create(scope, scope=scope) for scope in ("write", "server")}  # type: ignore[arg-type]

    def send(self, scope: str, messages: list[Message]) -> Mapping[str, Any]:
        """Send events with a key of `scope`; what the server made of them."""
        headers = {"Authorization": f"Bearer {self.keys[scope]}"}
        answer = self.client.post("/v1/batch", json={"batch": messages}, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def orders(self) -> dict[str, str]:
        """An order of each customer who has one."""
        with self.engine.events.log.read() as events:
            placed = events.filter(events.name == "Order Completed").select("user_id", "order_id").to_pyarrow()
        return {row["user_id"]: row["order_id"] for row in placed.to_pylist()}

    def known(self) -> dict[str, Any]:
        """Of every customer: profile, address, consent, who the id leads to, and the message of a campaign.

        Without when they were last seen, and the version of what is known: those say only that events were added.
        """
        engine = self.engine
        engine.profiles.build(as_of=LATER)
        profiles = engine.profiles.latest().table(customer_ids=VICTIMS).drop_columns(["last_seen_at"]).to_pylist()
        messages = [
            asdict(message) for message in engine.campaigns.preview("welcome-back", VICTIMS, moment=LATER).messages
        ]
        for message in messages:
            del message["proof"]["snapshot_version"]
        with engine.database.reading() as connection:
            return {
                "profiles": {row["customer_id"]: _rounded(row) for row in profiles},
                "addresses": identity.addresses(connection, VICTIMS, "email"),
                "persons": identity.persons_of(connection, VICTIMS),
                "found": {customer_id: identity.find(connection, customer_id) for customer_id in VICTIMS},
                "consents": consent.granted(connection, VICTIMS, "email", "marketing", at=LATER),
                "proofs": {customer_id: consent.proof(connection, customer_id) for customer_id in VICTIMS},
                "messages": {message["customer_id"]: message for message in messages},
            }


def _rounded(value: Any) -> Any:
    """`value` without the last digits of its numbers, which depend on the order of summing."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 9) if isinstance(value, float) else value


@pytest.fixture
def shop(tmp_path: Path, sample_shop: Callable[..., SampleShop]) -> Iterator[Shop]:
    sample_shop(tmp_path / "shop", NOW)
    with (tmp_path / "shop" / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    clock = FixedClock(NOW)
    with Engine.open(tmp_path / "shop", clock=clock, channels={"email": MemoryChannel()}) as engine:
        clock.now = LATER
        with TestClient(create_app(engine)) as client:
            yield Shop(engine, client)


def takeovers(victim: str, other: str, order_id: str) -> list[Message]:
    """What a stranger may try on a customer: merge, redirect, rename, clear, and meddle with orders and consents."""
    me, device = f"stranger-of-{victim}", f"device-of-a-stranger-of-{victim}"
    order = {"order_id": order_id, "revenue": 0.01, "currency": "CNY"}
    return [
        {"type": "alias", "previousId": victim, "userId": me},
        {"type": "alias", "previousId": me, "userId": victim},
        {"type": "alias", "previousId": victim, "userId": other},
        {"type": "identify", "userId": victim, "traits": {"email": MINE, "firstName": "Fool", "language": "fr"}},
        {"type": "identify", "userId": victim, "traits": {"email": None, "firstName": None, "city": None}},
        {"type": "identify", "anonymousId": victim, "userId": me, "traits": {"email": MINE, "points": 1e300}},
        {"type": "identify", "anonymousId": device, "userId": victim, "context": {"traits": {"email": MINE}}},
        {"type": "track", "event": "Order Completed", "userId": me, "anonymousId": victim, "properties": order},
        {"type": "track", "event": "Order Cancelled", "userId": me, "properties": {"order_id": order_id}},
        {"type": "track", "event": "Order Refunded", "userId": victim, "properties": order},
    ]


def test_a_thousand_hostile_events_of_a_public_key_leave_every_customer_as_they_were(shop: Shop) -> None:
    before, orders = shop.known(), shop.orders()
    assert len(before["profiles"]) == 500
    assert len(before["messages"]) > 100
    victims = [victim for victim in VICTIMS if victim in orders][:100]
    for victim, other in zip(victims, victims[1:] + victims[:1], strict=True):
        answer = shop.send("write", takeovers(victim, other, orders[victim]))
        assert (answer["stored"], answer["rejected"]) == (10, [])
    after = shop.known()
    for what, was in before.items():
        assert after[what] == was, what


def test_the_same_said_by_the_shops_own_server_is_believed(shop: Shop) -> None:
    victim, other = VICTIMS[:2]
    shop.send("server", [{"type": "identify", "userId": victim, "traits": {"email": MINE, "firstName": "Friend"}}])
    shop.send("server", [{"type": "alias", "previousId": other, "userId": victim}])
    known = shop.known()
    assert (known["addresses"][victim], known["profiles"][victim]["first_name"]) == (MINE, "Friend")
    assert known["persons"][other] == known["found"][other] == victim


@pytest.mark.parametrize("message_id", ["order-1", "delivered-0123456789abcdef"])
def test_a_public_key_does_not_occupy_the_id_of_another_message(shop: Shop, message_id: str) -> None:
    viewed = {"type": "track", "event": "Product Viewed", "userId": "stranger", "messageId": message_id}
    placed = viewed | {"event": "Order Completed", "userId": VICTIMS[0]}
    answers = [
        shop.send(scope, [message])
        for scope, message in (("write", viewed), ("server", placed), ("write", viewed), ("server", placed))
    ]
    assert [(answer["stored"], answer["duplicates"]) for answer in answers] == [(1, 0), (1, 0), (0, 1), (0, 1)]
