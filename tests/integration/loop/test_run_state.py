"""What a run says of itself: where it stands, and why it failed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.campaigns import store as campaign_store
from zhanggui.campaigns.durable import _hold
from zhanggui.cli.main import app
from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.delivery.channel import Outcome
from zhanggui.engine import Engine
from zhanggui.errors import DeliveryError, ModelError, NotFoundError
from zhanggui.testing import FakeLLM, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


@pytest.fixture
def engine(open_sample: Callable[[datetime, str], tuple[Engine, MemoryChannel]]) -> Engine:
    return open_sample(NOW, "Tea, for quiet evenings.")[0]


def test_a_run_that_failed_says_so_with_its_reason_and_can_be_walked_again(engine: Engine, tmp_path: Path) -> None:
    object.__setattr__(engine.parts, "model", lambda: FakeLLM("", fails=True))
    key = engine.create_key("test", scope="admin")
    with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
        run_id = client.post("/v1/campaigns/welcome-back/runs", json={"moment": NOW.isoformat()}).json()["run_id"]
        engine.wait_for_runs()
        found = client.get(f"/v1/runs/{run_id}").json()
    assert (found["state"], found["reason"]) == ("failed", "this fake was told to fail")
    assert "write" not in found["results"]
    told = CliRunner().invoke(app, ["campaign", "list", "-C", str(tmp_path / "shop")], catch_exceptions=False).output
    assert f"{run_id}  failed: this fake was told to fail" in told
    with pytest.raises(ModelError, match="told to fail"):
        engine.run_campaign("welcome-back", moment=NOW)
    object.__setattr__(engine.parts, "model", lambda: FakeLLM("Tea, for quiet evenings."))
    assert engine.run_campaign("welcome-back", moment=NOW)[0] == run_id
    assert engine.run_status(run_id)["reason"] == ""


def test_a_run_waits_for_its_messages_and_is_done_with_the_last(engine: Engine) -> None:
    run_id, results = engine.run_campaign("welcome-back", moment=NOW)
    assert results["deliver"]["waiting"] > 0
    assert engine.run_status(run_id)["state"] == "waiting"
    engine.clock.advance(timedelta(hours=13))  # type: ignore[attr-defined]
    engine.deliver_due()
    assert engine.run_status(run_id)["state"] == "done"


def test_a_run_that_was_begun_and_left_goes_on_and_one_of_another_process_is_let_be(engine: Engine) -> None:
    run_id = engine._begin("welcome-back", NOW)  # as a process that was killed at once leaves it
    assert engine.resume() == [], "whoever has just begun it may be about to walk it"
    engine.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    with _hold(engine._data / "run.lock"):
        assert engine.resume() == []
    assert engine.resume() == [run_id]
    engine.wait_for_runs()
    assert engine.run_status(run_id)["state"] == "waiting"
    assert engine.resume() == []


def test_a_run_that_failed_while_it_sent_is_done_when_the_rest_has_been_sent(engine: Engine) -> None:
    channels = engine.parts.channels
    object.__setattr__(engine.parts, "channels", dict)
    with pytest.raises(DeliveryError, match="no channel"):
        engine.run_campaign("welcome-back", moment=NOW)
    (run_id,) = engine.campaigns()[0]["runs"]
    assert engine.run_status(run_id)["state"] == "failed"
    object.__setattr__(engine.parts, "channels", channels)
    engine.deliver_due()
    engine.clock.advance(timedelta(hours=13))  # type: ignore[attr-defined]
    engine.deliver_due()
    assert (engine.run_status(run_id)["state"], engine.run_status(run_id)["reason"]) == ("done", "")


def test_messages_of_a_campaign_that_an_older_version_took_leave_all_the_same(engine: Engine) -> None:
    engine.run_campaign("welcome-back", moment=NOW)
    with engine.database.transaction() as connection:
        was = connection.execute(sa.select(campaign_store.campaigns.c.definition)).scalar_one()
        now = json.dumps(json.loads(was) | {"audience": 'lifecycle_stage != "vip"'})  # refused since
        connection.execute(sa.update(campaign_store.campaigns).values(definition=now))
        query = sa.select(outbox.outbox.c.customer_id).where(outbox.outbox.c.state == "waiting")
        refuses = connection.execute(query).scalars().all()[0]
    engine.record_consent(
        customer_id=refuses, channel="*", purpose="personalisation", granted=False, at=NOW.isoformat(), how="call", text=""
    )  # fmt: skip
    engine.clock.advance(timedelta(hours=13))  # type: ignore[attr-defined]
    (states,) = engine.deliver_due().values()
    assert (states["refused"], states.get("waiting", 0)) == (1, 0)


def test_a_run_without_messages_is_not_ended_by_delivering_none(engine: Engine) -> None:
    run_id = engine._begin("welcome-back", NOW)
    with pytest.raises(NotFoundError, match="no messages yet"):
        engine.deliver(run_id)
    assert engine.run_status(run_id)["state"] == "running"


def test_a_run_whose_messages_would_have_expired_is_not_walked_on(engine: Engine) -> None:
    run_id = engine._begin("welcome-back", NOW)
    engine.clock.advance(timedelta(days=4))  # type: ignore[attr-defined]
    assert engine.resume() == []
    found = engine.run_status(run_id)
    assert (found["state"], found["results"]) == ("failed", {})
    assert "expired" in found["reason"]
    assert engine.resume() == []


def test_a_run_that_cannot_be_taken_up_in_the_background_is_told_of(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    (engine._data / "workflows.db").write_text("no database at all, and long enough to be taken for one" * 10)
    run_id = engine.start_run("welcome-back", moment=NOW)
    engine.wait_for_runs()
    assert f"run {run_id}: the file {engine._data / 'workflows.db'} is no SQLite database" in caplog.text


def test_a_run_that_failed_is_not_walked_again_unasked(engine: Engine) -> None:
    object.__setattr__(engine.parts, "model", lambda: FakeLLM("", fails=True))
    run_id = engine.start_run("welcome-back", moment=NOW)
    engine.wait_for_runs()
    engine.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    assert engine.resume() == []
    assert engine.run_status(run_id)["state"] == "failed"


def test_what_a_run_had_decided_before_it_failed_stands_when_it_is_walked_again(engine: Engine) -> None:
    def give_up(_message: Message) -> Outcome:
        if len(broken.sent) == 20:
            raise OSError("the cable was pulled")
        return "accepted"

    broken, mended = MemoryChannel(give_up), MemoryChannel()
    object.__setattr__(engine.parts, "channels", lambda: {"email": broken})
    with pytest.raises(OSError, match="cable"):
        engine.run_campaign("welcome-back", moment=NOW)
    for message in broken.sent:
        engine.record_consent(
            customer_id=message.customer_id, channel="email", purpose="marketing", granted=False, at=NOW.isoformat(), how="link", text=""
        )  # fmt: skip
    object.__setattr__(engine.parts, "channels", lambda: {"email": mended})
    engine.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]  # what was claimed is let go
    run_id, _ = engine.run_campaign("welcome-back", moment=NOW)
    assert len(mended.sent) > 20
    logged = {one.customer_id: one for batch in engine.parts.decisions.read(run_id) for one in batch}
    for message in (*broken.sent, *mended.sent):
        decision = logged[message.customer_id]
        assert (decision.arm, decision.action.offer_id) == ("treated", message.data["offer_id"])
        assert message.proof["propensity"] == decision.propensity
