"""What a run says of itself: where it stands, and why it failed."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.campaigns import store as campaign_store
from zhanggui.cli.main import app
from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.engine import Engine
from zhanggui.engine.walks import Begun
from zhanggui.errors import BusyError, DeliveryError, ModelError, NotFoundError
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel
from zhanggui.touches import flows

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def model() -> FakeLLM:
    return FakeLLM("Tea, for quiet evenings.")


@pytest.fixture
def engine(open_sample: Callable[..., Engine], clock: FixedClock, model: FakeLLM) -> Engine:
    return open_sample(clock, model=model, channels={"email": MemoryChannel()})


def test_a_run_that_failed_says_so_with_its_reason_and_can_be_walked_again(
    engine: Engine, model: FakeLLM, tmp_path: Path
) -> None:
    model.fails = True
    key = engine.keys.create("test", scope="admin")
    with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
        run_id = client.post("/v1/campaigns/welcome-back/runs", json={"moment": NOW.isoformat()}).json()["run_id"]
        engine.runs.wait()
        found = client.get(f"/v1/runs/{run_id}").json()
    assert (found["state"], found["reason"]) == ("failed", "this fake was told to fail")
    assert "write" not in found["results"]
    told = CliRunner().invoke(app, ["campaign", "list", "-C", str(tmp_path / "shop")], catch_exceptions=False).output
    assert f"{run_id}  failed: this fake was told to fail" in told
    with pytest.raises(ModelError, match="told to fail"):
        engine.runs.run("welcome-back", moment=NOW)
    model.fails = False
    assert engine.runs.run("welcome-back", moment=NOW).run_id == run_id
    assert engine.runs.status(run_id).reason == ""


def test_a_run_waits_for_its_messages_and_is_done_with_the_last(engine: Engine, clock: FixedClock) -> None:
    done = engine.runs.run("welcome-back", moment=NOW)
    run_id, results = done.run_id, done.results
    assert results["deliver"]["waiting"] > 0
    assert engine.runs.status(run_id).state == "waiting"
    clock.advance(timedelta(hours=13))
    engine.runs.deliver_due()
    assert engine.runs.status(run_id).state == "done"


def left_behind(engine: Engine, begun: Begun) -> str:
    """The run as of the moment when its owner, killed at once, has not been heard of for too long; its id."""
    assert begun.own is not None
    with engine.database.transaction() as connection:
        assert flows.renew(connection, begun.own.term, ttl=timedelta(0))
    return begun.run_id


def test_a_run_that_was_begun_and_left_goes_on_and_one_of_another_worker_is_let_be(engine: Engine) -> None:
    begun = engine.runs.walks.begin("welcome-back", NOW)
    assert engine.runs.go_on() == [], "whoever has just begun it is about to walk it"
    with pytest.raises(BusyError, match=f"another worker is at {begun.run_id}"):
        engine.runs.run("welcome-back", moment=NOW)
    assert left_behind(engine, begun) == begun.run_id
    assert engine.runs.go_on() == [begun.run_id]
    engine.runs.wait()
    assert engine.runs.status(begun.run_id).state == "waiting"
    assert engine.runs.go_on() == []


def test_a_run_that_failed_while_it_sent_is_done_when_the_rest_has_been_sent(
    open_sample: Callable[..., Engine], clock: FixedClock, model: FakeLLM
) -> None:
    channels: dict[str, Channel] = {}
    engine = open_sample(clock, model=model, channels=channels)
    with pytest.raises(DeliveryError, match="no channel"):
        engine.runs.run("welcome-back", moment=NOW)
    (run_id,) = engine.campaigns.all()[0].runs
    assert engine.runs.status(run_id).state == "failed"
    channels["email"] = MemoryChannel()
    engine.runs.deliver_due()
    clock.advance(timedelta(hours=13))
    engine.runs.deliver_due()
    assert (engine.runs.status(run_id).state, engine.runs.status(run_id).reason) == ("done", "")


def test_messages_of_a_campaign_that_an_older_version_took_leave_all_the_same(
    engine: Engine, clock: FixedClock
) -> None:
    engine.runs.run("welcome-back", moment=NOW)
    with engine.database.transaction() as connection:
        was = connection.execute(sa.select(campaign_store.campaigns.c.definition)).scalar_one()
        now = json.dumps(json.loads(was) | {"audience": 'lifecycle_stage != "vip"'})  # refused since
        connection.execute(sa.update(campaign_store.campaigns).values(definition=now))
        query = sa.select(outbox.outbox.c.customer_id).where(outbox.outbox.c.state == "waiting")
        refuses = connection.execute(query).scalars().all()[0]
    engine.consents.record(
        customer_id=refuses, channel="*", purpose="personalisation", granted=False, at=NOW.isoformat(), how="call", text=""
    )  # fmt: skip
    clock.advance(timedelta(hours=13))
    (states,) = engine.runs.deliver_due().values()
    assert (states["refused"], states.get("waiting", 0)) == (1, 0)


def test_a_run_without_messages_is_not_ended_by_delivering_none(engine: Engine) -> None:
    run_id = engine.runs.walks.begin("welcome-back", NOW).run_id
    with pytest.raises(NotFoundError, match="no messages yet"):
        engine.runs.deliver(run_id)
    assert engine.runs.status(run_id).state == "running"


def test_a_worker_lets_a_run_be_of_which_not_all_messages_are_in_the_outbox_yet(
    engine: Engine, clock: FixedClock
) -> None:
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    clock.advance(timedelta(hours=13))
    with engine.database.transaction() as connection:
        results = {name: engine.runs.status(run_id).results[name] for name in ("snapshot", "decide", "write")}
        connection.execute(sa.update(campaign_store.runs).values(results=json.dumps(results)))
        assert outbox.runs_due(connection, now=clock()) == [run_id]
    problems: list[str] = []
    assert engine.runs.deliver_due(say=problems.append) == {}
    assert problems == []


def test_a_run_whose_messages_would_have_expired_is_not_walked_on(engine: Engine, clock: FixedClock) -> None:
    run_id = left_behind(engine, engine.runs.walks.begin("welcome-back", NOW))
    clock.advance(timedelta(days=4))
    assert engine.runs.go_on() == []
    status = engine.runs.status(run_id)
    assert (status.state, status.results) == ("failed", {})
    assert "expired" in status.reason
    assert engine.runs.go_on() == []


def test_a_run_that_fails_in_the_background_is_told_of(
    engine: Engine, model: FakeLLM, caplog: pytest.LogCaptureFixture
) -> None:
    model.fails = True
    run_id = engine.runs.start("welcome-back", moment=NOW)
    engine.runs.wait()
    assert f"run {run_id}: this fake was told to fail" in caplog.text


def test_a_run_that_failed_is_not_walked_again_unasked(engine: Engine, clock: FixedClock, model: FakeLLM) -> None:
    model.fails = True
    run_id = engine.runs.start("welcome-back", moment=NOW)
    engine.runs.wait()
    clock.advance(timedelta(minutes=2))
    assert engine.runs.go_on() == []
    assert engine.runs.status(run_id).state == "failed"


def test_what_a_run_had_decided_before_it_failed_stands_when_it_is_walked_again(
    open_sample: Callable[..., Engine], clock: FixedClock, model: FakeLLM
) -> None:
    class Pulled(MemoryChannel):
        """Takes twenty messages, and none after them."""

        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            if len(self.sent) == 20:
                raise OSError("the cable was pulled")
            for receipt in super().send(messages):
                yield receipt
                if len(self.sent) == 20:
                    return

    broken, mended = Pulled(), MemoryChannel()
    channels: dict[str, Channel] = {"email": broken}
    engine = open_sample(clock, model=model, channels=channels)
    with pytest.raises(OSError, match="cable"):
        engine.runs.run("welcome-back", moment=NOW)
    for message in broken.sent:
        engine.consents.record(
            customer_id=message.customer_id, channel="email", purpose="marketing", granted=False, at=NOW.isoformat(), how="link", text=""
        )  # fmt: skip
    channels["email"] = mended
    clock.advance(timedelta(minutes=2))  # what was claimed is let go
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    assert len(mended.sent) > 20
    logged = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
    for message in (*broken.sent, *mended.sent):
        decision = logged[message.customer_id]
        assert (decision.arm, decision.action.offer_id) == ("treated", message.data["offer_id"])
        assert message.proof["propensity"] == decision.propensity
