"""A public write key in a stranger's hands: a thousand hostile events later every customer is as before."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from zhanggui.api import create_app
from zhanggui.engine import Engine
from zhanggui.profiles import consent, identity
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
        """Of every customer: profile, address, consent, who the id leads to, and the message of a campaign."""
        engine = self.engine
        engine.profiles.build(as_of=LATER)
        rows = engine.profiles.latest().table(customer_ids=VICTIMS).to_pylist()
        profiles = {row["customer_id"]: row for row in rows}
        preview = engine.campaigns.preview("welcome-back", VICTIMS, moment=LATER)
        with engine.database.reading() as connection:
            return {
                "profiles": profiles,
                "addresses": identity.addresses(connection, VICTIMS, "email"),
                "persons": identity.persons_of(connection, VICTIMS),
                "found": {customer_id: identity.find(connection, customer_id) for customer_id in VICTIMS},
                "consents": consent.granted(connection, VICTIMS, "email", "marketing", at=LATER),
                "proofs": {customer_id: consent.proof(connection, customer_id) for customer_id in VICTIMS},
                "messages": {message.customer_id: asdict(message) for message in preview.messages},
            }


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    Engine.create(tmp_path / "shop")
    with (tmp_path / "shop" / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    clock = FixedClock(NOW)
    with Engine.open(tmp_path / "shop", clock=clock, channels={"email": MemoryChannel()}) as engine:
        engine.load_sample()
        clock.now = LATER
        with TestClient(create_app(engine)) as client:
            yield Shop(engine, client)


def takeovers(victim: str, number: int, order_id: str) -> list[Message]:
    """Everything that a stranger may try with the id of a customer, short of adding events in that name."""
    me, device = f"stranger-{number}", f"device-of-stranger-{number}"
    order = {"order_id": order_id, "revenue": 0.01, "currency": "CNY"}
    return [
        {"type": "alias", "previousId": victim, "userId": me},
        {"type": "alias", "previousId": me, "userId": victim},
        {"type": "alias", "previousId": victim, "userId": VICTIMS[number - 1]},
        {"type": "identify", "anonymousId": victim, "userId": me, "traits": {"email": MINE}},
        {"type": "identify", "anonymousId": device, "userId": me, "traits": {"email": MINE, "points": 1e300}},
        {"type": "track", "event": "Order Completed", "userId": me, "anonymousId": victim, "properties": order},
        {"type": "track", "event": "Order Cancelled", "userId": me, "properties": {"order_id": order_id}},
        {"type": "track", "event": "Unsubscribed", "userId": me, "anonymousId": victim},
    ]


def test_a_thousand_hostile_events_of_a_public_key_leave_every_customer_as_they_were(shop: Shop) -> None:
    before = shop.known()
    assert len(before["profiles"]) == 500
    assert len(before["messages"]) > 100
    orders = shop.orders()
    hostile = [
        message
        for number, victim in enumerate(VICTIMS[:125])
        for message in takeovers(victim, number, orders.get(victim, "none"))
    ]
    assert len(hostile) == 1000
    for start in range(0, 1000, 100):
        assert shop.send("write", hostile[start : start + 100])["stored"] == 100
    after = shop.known()
    for what, was in before.items():
        assert after[what] == was, what
