"""The abandoned cart: a message after four hours, another after two days, none once there was an order or a removal."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.campaigns import advance, journey_entries, journey_signals
from zhanggui.cli.main import app
from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.delivery.channel import Outcome
from zhanggui.engine import Engine
from zhanggui.errors import CampaignError, ConfigError, FlowError, NotFoundError
from zhanggui.storage import Database
from zhanggui.testing import FixedClock, MemoryChannel
from zhanggui.touches import flows
from zhanggui.touches.touch import touches
from zhanggui.worker import steps

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # a Monday in Shanghai
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FILE = Path(__file__).parents[3] / "examples" / "abandoned-cart.toml"


class Shop:
    """A shop with a pot and a cup, Ann who agreed to e-mail, and the abandoned cart applied."""

    def __init__(self, open_engine: Callable[..., Engine]) -> None:
        self.clock = FixedClock(NOON - HOUR)
        self.outcome: Callable[[Message], Outcome] = lambda _message: "accepted"
        self.channel = MemoryChannel(lambda message: self.outcome(message))
        self.engine = open_engine(self.clock, self.channel)
        products = [
            {"product_id": f"{name}-1", "title": name, "price": 30, "language": "en"} for name in ("pot", "cup")
        ]
        assert not self.engine.catalog.put(products).errors
        self.customer("ann")
        self.engine.flows.apply_file(FILE)
        self.clock.now = NOON
        self._number = 0

    def customer(self, who: str) -> None:
        self.collect(
            type="identify", userId=who, messageId=f"i-{who}", traits={"email": f"{who}@example.com", "language": "en"}
        )
        self.engine.consents.record(
            customer_id=who, channel="email", purpose="marketing", granted=True, at=self.clock().isoformat(), how="form", text="yes"
        )  # fmt: skip

    def collect(self, **message: Any) -> None:
        message.setdefault("timestamp", self.clock().isoformat())
        collected = self.engine.events.collect({"batch": [message]})
        assert collected.errors == ()

    def event(
        self, name: str, product_id: str | None = None, *, who: str = "ann", at: datetime | None = None, **ids: str
    ) -> str:
        self._number += 1
        message_id = f"m-{self._number}"
        product = {"product_id": product_id} if product_id else {}
        self.collect(
            type="track", event=name, messageId=message_id, properties={"order_id": message_id, **product},
            timestamp=(at or self.clock()).isoformat(), **(ids or {"userId": who}),
        )  # fmt: skip
        return message_id

    def work(self) -> None:
        """One round of a worker."""
        self.engine.flows.advance()
        self.engine.runs.deliver_due()

    def after(self, time: timedelta) -> None:
        """A round at this time after noon."""
        self.clock.now = NOON + time
        self.work()

    def sent(self) -> list[tuple[str, str]]:
        return [(message.customer_id, message.step) for message in self.channel.sent]

    def ended(self) -> dict[str, int]:
        (flow,) = self.engine.flows.all()
        return dict(flow.ended)


@pytest.fixture
def open_engine(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engine]]:
    monkeypatch.setenv("SHOP_DATABASE", database.url.render_as_string(hide_password=False))
    folder = tmp_path / "shop"
    Engine.create(folder, language="en")
    with (folder / "zhanggui.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[storage]\ndatabase_env = "SHOP_DATABASE"\n[model]\nlanguages = []\n')
    with ExitStack() as opened:
        yield lambda clock, channel: opened.enter_context(Engine.open(folder, clock=clock, channels={"email": channel}))


@pytest.fixture
def shop(open_engine: Callable[..., Engine]) -> Shop:
    return Shop(open_engine)


def test_a_message_leaves_four_hours_after_the_cart_and_another_after_two_days(shop: Shop) -> None:
    entry = shop.event("Product Added", "pot-1")
    shop.work()
    shop.after(4 * HOUR - MINUTE)
    assert shop.sent() == []
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    shop.after(48 * HOUR - MINUTE)
    assert shop.sent() == [("ann", "reminder")]
    shop.after(48 * HOUR)
    assert shop.sent() == [("ann", "reminder"), ("ann", "last-call")]
    first, second = shop.channel.sent
    assert (first.entry, second.entry, first.run_id) == (entry, entry, "abandoned-cart")
    assert "pot" in first.body
    assert "CART5" in second.body
    shop.after(96 * HOUR)
    assert len(shop.sent()) == 2
    assert shop.ended() == {"through": 1}
    with shop.engine.database.reading() as connection:
        kept = connection.execute(sa.select(touches.c.flow, touches.c.entry, touches.c.step, touches.c.state)).all()
    assert sorted(map(tuple, kept)) == [
        ("abandoned-cart", entry, "last-call", "sent"),
        ("abandoned-cart", entry, "reminder", "sent"),
    ]


@pytest.mark.parametrize("name", ["Order Completed", "Cart Emptied", "Cart Cleared", "Product Removed"])
def test_whatever_ends_it_ends_it_at_once(shop: Shop, name: str) -> None:
    shop.event("Product Added", "pot-1")
    shop.after(HOUR)
    shop.event(name, "pot-1")
    shop.after(4 * HOUR)
    shop.after(48 * HOUR)
    assert shop.sent() == []
    assert shop.ended() == {name: 1}


def test_an_order_after_the_first_message_ends_it_before_the_second(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.after(4 * HOUR)
    shop.event("Order Completed")
    shop.after(48 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    assert shop.ended() == {"Order Completed": 1}


def test_the_removal_of_another_product_ends_nothing(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.event("Product Added", "cup-1")
    shop.event("Product Removed", "cup-1")
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_an_order_of_another_customer_ends_nothing(shop: Shop) -> None:
    shop.customer("bob")
    shop.event("Product Added", "pot-1")
    shop.event("Product Added", "pot-1", who="bob")
    shop.event("Order Completed", who="bob")
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_an_order_that_comes_between_planning_and_sending_stops_the_message(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.clock.now = NOON + 4 * HOUR
    assert shop.engine.flows.advance()["abandoned-cart"].messages == 1
    shop.event("Order Completed")
    shop.engine.runs.deliver_due()
    assert shop.sent() == []
    with shop.engine.database.reading() as connection:
        assert outbox.counts(connection, "abandoned-cart").refused == {advance.ENDED: 1}


def test_a_message_that_waits_for_the_morning_is_sent_then_once_and_not_after_an_order(shop: Shop) -> None:
    shop.customer("bob")
    shop.clock.now = NOON + 6 * HOUR
    for who in ("ann", "bob"):
        shop.event("Product Added", "pot-1", who=who)
    shop.after(10 * HOUR)  # ten in the evening
    assert shop.sent() == []
    shop.event("Order Completed", who="bob")
    shop.after(21 * HOUR)  # nine in the morning
    shop.after(22 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_nobody_is_on_the_way_twice_and_the_next_cart_is_another_entry(shop: Shop) -> None:
    first = shop.event("Product Added", "pot-1")
    shop.after(HOUR)
    shop.event("Product Added", "cup-1")
    shop.after(5 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    shop.event("Order Completed")
    shop.clock.now += MINUTE
    second = shop.event("Product Added", "cup-1")
    shop.after(8 * HOUR)
    shop.after(23 * HOUR)
    assert [message.entry for message in shop.channel.sent] == [first, second]
    assert shop.ended() == {"Order Completed": 1}


def test_a_cart_without_a_name_is_whose_who_logs_in(shop: Shop) -> None:
    shop.event("Product Added", "pot-1", anonymousId="device")
    shop.work()
    shop.collect(type="identify", userId="ann", anonymousId="device", messageId="login")
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    shop.event("Order Completed")
    shop.after(48 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_two_ids_that_turn_out_to_be_one_person_get_one_message(shop: Shop) -> None:
    shop.event("Product Added", "pot-1", who="old-ann")
    shop.event("Product Added", "pot-1", at=NOON + MINUTE)
    shop.work()
    shop.collect(type="alias", userId="ann", previousId="old-ann", messageId="merge")
    shop.after(5 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    assert shop.ended() == {"same_person": 1}


def test_a_cart_that_is_heard_of_after_its_order_is_none(shop: Shop) -> None:
    shop.event("Order Completed", at=NOON + MINUTE)
    shop.work()
    shop.event("Product Added", "pot-1", at=NOON)
    shop.after(4 * HOUR)
    assert shop.sent() == []
    assert shop.ended() == {}


def test_an_order_from_before_the_cart_does_not_end_it(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.event("Order Completed", at=NOON - MINUTE)
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_the_past_is_not_written_to(shop: Shop) -> None:
    shop.event("Product Added", "pot-1", at=NOON - timedelta(days=30))
    shop.work()
    with shop.engine.database.reading() as connection:
        assert journey_signals.after(connection, 0, limit=10) == []
    assert shop.sent() == []


def test_who_was_not_looked_after_for_days_gets_the_last_step_only_or_none(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.after(72 * HOUR)
    assert shop.sent() == [("ann", "last-call")]
    shop.clock.now = NOON + 73 * HOUR
    shop.event("Order Completed")
    shop.clock.now += MINUTE
    shop.event("Product Added", "cup-1")
    shop.after((73 + 48 + 48) * HOUR + MINUTE)
    assert shop.sent() == [("ann", "last-call")]
    assert shop.ended() == {"through": 1, "expired": 1}


def test_consent_caps_and_suppression_hold(shop: Shop) -> None:
    shop.customer("bob")
    shop.event("Product Added", "pot-1", who="bob")
    shop.event("Product Added", "pot-1", who="nobody")
    shop.event("Product Added", "pot-1")
    shop.engine.consents.record(
        customer_id="bob", channel="email", purpose="marketing", granted=False, at=NOON.isoformat(), how="link", text=""
    )
    shop.after(4 * HOUR)
    assert shop.sent() == [("ann", "reminder")]


def test_who_is_held_out_gets_nothing_and_is_logged(shop: Shop) -> None:
    definition = dict(shop.engine.flows.all()[0].definition)
    shop.engine.flows.apply(definition | {"holdout": 0.999999})
    shop.event("Product Added", "pot-1")
    shop.after(4 * HOUR)
    shop.after(48 * HOUR)
    assert shop.sent() == []
    assert shop.ended() == {"through": 1}
    logged = sorted(shop.engine.flows.parts.decisions.root.glob("*/abandoned-cart-*.parquet"))
    arms = [pq.read_table(file)["arm"].to_pylist() for file in logged]
    assert arms == [["holdout"], ["holdout"]]


def test_two_workers_send_once(shop: Shop, open_engine: Callable[..., Engine]) -> None:
    people = [f"c{number:02d}" for number in range(12)]
    for who in people:
        shop.customer(who)
        shop.event("Product Added", "pot-1", who=who)
    other = open_engine(shop.clock, shop.channel)
    shop.clock.now = NOON + 4 * HOUR
    ready = threading.Barrier(2)

    def work(engine: Engine) -> None:
        ready.wait()
        for _ in range(5):
            engine.flows.advance()
            engine.runs.deliver_due()

    workers = [threading.Thread(target=work, args=(engine,)) for engine in (shop.engine, other)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(shop.sent()) == [(who, "reminder") for who in people]


def test_what_was_cut_off_between_deciding_and_the_outbox_is_made_by_the_next(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.work()
    shop.clock.now = NOON + 4 * HOUR
    parts = shop.engine.flows.parts
    with parts.database.transaction() as connection:  # as a worker leaves it that was killed while it decided
        (entry,) = journey_entries.due(connection, "abandoned-cart", now=shop.clock(), limit=9)
        journey_entries.change(connection, "abandoned-cart", entry.entry, batch="abandoned-cart-cut-off")
        term = flows.acquire(connection, "abandoned-cart", "killed", ttl=45 * timedelta(seconds=1))
    assert term is not None
    shop.work()
    assert shop.sent() == [], "whoever owns it may be about to"
    with parts.database.transaction() as connection:
        assert flows.renew(connection, term, ttl=timedelta(0))
    shop.work()
    shop.work()
    assert shop.sent() == [("ann", "reminder")]
    assert len(parts.decisions.read("abandoned-cart-cut-off-000")) == 1


def test_a_batch_that_was_cut_off_before_its_step_was_taken_out_ends_there(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.work()
    with shop.engine.database.transaction() as connection:
        (entry,) = journey_entries.due(connection, "abandoned-cart", now=NOON + 4 * HOUR, limit=9)
        journey_entries.change(connection, "abandoned-cart", entry.entry, batch="abandoned-cart-cut-off")
    definition = dict(shop.engine.flows.all()[0].definition)
    shop.engine.flows.apply(definition | {"steps": definition["steps"][1:]})
    shop.after(4 * HOUR)
    assert shop.sent() == []
    assert shop.ended() == {"step_gone": 1}


def test_a_worker_that_starts_anew_goes_on_where_the_last_one_was(
    shop: Shop, open_engine: Callable[..., Engine]
) -> None:
    shop.event("Product Added", "pot-1")
    shop.after(4 * HOUR)
    shop.engine.close()
    shop.engine = open_engine(shop.clock, shop.channel)
    shop.work()
    assert shop.sent() == [("ann", "reminder")]
    shop.after(48 * HOUR)
    assert shop.sent() == [("ann", "reminder"), ("ann", "last-call")]


def test_a_paused_flow_lets_nobody_in_and_nothing_out_until_it_goes_on(shop: Shop) -> None:
    shop.customer("bob")
    shop.event("Product Added", "pot-1")
    shop.clock.now = NOON + 4 * HOUR
    shop.engine.flows.advance()
    shop.engine.flows.pause("abandoned-cart", reason="a slip")
    shop.event("Product Added", "pot-1", who="bob")
    shop.after(5 * HOUR)
    (view,) = shop.engine.flows.all()
    assert (view.state, view.reason, view.on_the_way, view.messages) == ("paused", "a slip", 1, {"waiting": 1})
    assert shop.sent() == []
    shop.engine.flows.resume("abandoned-cart")
    shop.work()
    assert shop.sent() == [("ann", "reminder")]
    shop.after(8 * HOUR)
    assert shop.sent() == [("ann", "reminder"), ("bob", "reminder")]
    with pytest.raises(FlowError, match="'abandoned-cart' is running"):
        shop.engine.flows.resume("abandoned-cart")
    with pytest.raises(NotFoundError, match="no flow 'none'"):
        shop.engine.flows.pause("none")


def test_a_cancelled_flow_sends_nothing_any_more(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.clock.now = NOON + 4 * HOUR
    shop.engine.flows.advance()
    shop.engine.flows.cancel("abandoned-cart", reason="the sale is over")
    shop.work()
    shop.after(48 * HOUR)
    assert shop.sent() == []
    (view,) = shop.engine.flows.all()
    assert (view.state, view.reason, view.messages) == ("cancelled", "the sale is over", {"refused": 1})
    with pytest.raises(FlowError, match="give it another name"):
        shop.engine.flows.apply_file(FILE)


def test_a_changed_file_is_a_new_version_and_holds_for_who_is_on_the_way(shop: Shop) -> None:
    definition = dict(shop.engine.flows.all()[0].definition)
    assert shop.engine.flows.apply(definition).version == 1
    shop.event("Product Added", "pot-1")
    shop.work()
    steps = [dict(step) for step in definition["steps"]]
    steps[0]["after_hours"] = 6
    assert shop.engine.flows.apply(definition | {"steps": steps}).version == 2
    shop.after(5 * HOUR)
    assert shop.sent() == []
    shop.after(6 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    shop.engine.flows.apply(definition | {"steps": steps[:1]})
    shop.after(48 * HOUR)
    assert shop.sent() == [("ann", "reminder")]
    assert shop.ended() == {"step_gone": 1}


def test_a_flow_that_is_applied_begins_with_what_happens_from_then_on(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    definition = dict(shop.engine.flows.all()[0].definition)
    shop.engine.flows.apply(definition | {"name": "second-cart"})
    shop.after(4 * HOUR)
    assert [message.run_id for message in shop.channel.sent] == ["abandoned-cart"]


def test_a_flow_that_cannot_be_is_refused_with_its_field(shop: Shop) -> None:
    definition = dict(shop.engine.flows.all()[0].definition)
    with pytest.raises(ConfigError, match="channel 'pigeon'"):
        shop.engine.flows.apply(definition | {"channels": ["pigeon"]})
    with pytest.raises(CampaignError) as refused:
        shop.engine.flows.apply(definition | {"ends": []})
    assert refused.value.field == "ends"


def test_events_that_can_end_nothing_any_more_are_forgotten(shop: Shop) -> None:
    shop.event("Product Added", "pot-1")
    shop.after(HOUR)
    with shop.engine.database.reading() as connection:
        assert len(journey_signals.after(connection, 0, limit=10)) == 1
    shop.after(timedelta(days=8))
    with shop.engine.database.reading() as connection:
        assert journey_signals.after(connection, 0, limit=10) == []


def test_the_command_line_applies_lists_pauses_resumes_and_cancels(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*words: str) -> str:
        command = ["flow", *words, "-C", str(tmp_path / "shop")]
        return CliRunner().invoke(app, command, catch_exceptions=False).output

    shop.event("Product Added", "pot-1")
    shop.after(4 * HOUR)
    assert told("apply", str(FILE)).startswith("abandoned-cart is version 1")
    assert told("list") == "abandoned-cart  version 1  running\n  on the way 1\n  messages: sent 1\n"
    assert told("pause", "abandoned-cart", "--reason", "a slip").startswith("abandoned-cart is paused")
    assert "paused: a slip" in told("list")
    assert told("resume", "abandoned-cart").startswith("abandoned-cart may go on")
    shop.event("Order Completed")
    shop.work()
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "zh")
    assert told("cancel", "abandoned-cart", "--reason", "结束了") == "abandoned-cart 已取消\n"
    assert told("list") == "abandoned-cart  第 1 版  已取消：结束了\n  途中 0  Order Completed 1\n  消息：已发 1\n"


def test_the_http_door_applies_shows_pauses_resumes_and_cancels(shop: Shop) -> None:
    key = shop.engine.keys.create("test", scope="admin")
    with TestClient(create_app(shop.engine), headers={"Authorization": f"Bearer {key}"}) as client:
        (flow,) = client.get("/v1/flows").json()
        assert (flow["name"], flow["state"], flow["on_the_way"]) == ("abandoned-cart", "running", 0)
        definition = {name: value for name, value in flow["definition"].items() if name != "name"}
        assert client.put("/v1/flows/abandoned-cart", json=definition).json() == {
            "name": "abandoned-cart",
            "version": 1,
        }
        assert client.put("/v1/flows/other", json=definition | {"ends": []}).status_code == 422
        assert client.post("/v1/flows/abandoned-cart/pause", json={"reason": "a slip"}).status_code == 204
        assert client.get("/v1/flows").json()[0]["reason"] == "a slip"
        assert client.post("/v1/flows/abandoned-cart/pause").status_code == 409
        assert client.post("/v1/flows/abandoned-cart/resume").status_code == 204
        assert client.post("/v1/flows/abandoned-cart/cancel").status_code == 204
        assert client.post("/v1/flows/none/cancel").status_code == 404


def test_the_worker_moves_customers_on(shop: Shop) -> None:
    (advance_step,) = [step for step in steps(shop.engine) if step.name == "advance"]
    shop.event("Product Added", "pot-1")
    shop.clock.now = NOON + 4 * HOUR
    assert list(advance_step.do()) == []
    assert shop.engine.flows.all()[0].messages == {"waiting": 1}
