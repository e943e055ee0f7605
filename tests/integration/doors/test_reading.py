"""Looking changes nothing: no snapshot comes of it, many may look at once, and what is shown says of when it is."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.profiles.snapshot import NAME
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path, sample_shop: Callable[..., SampleShop]) -> Iterator[Engine]:
    sample_shop(tmp_path / "shop", NOW)
    fakes = {"model": FakeLLM("A good thing."), "channels": {"email": MemoryChannel()}}
    with Engine.open(tmp_path / "shop", clock=FixedClock(NOW), **fakes) as engine:
        yield engine


def run(engine: Engine, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "-C", str(engine.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def snapshots(engine: Engine) -> list[str]:
    return [artifact.version for artifact in engine.runs.parts.artifacts.versions(NAME)]


def order(customer: str, at: datetime) -> dict[str, object]:
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": customer,
        "timestamp": at.isoformat(),
        "properties": {"order_id": f"{customer}-{at:%H%M}", "revenue": 20, "currency": "CNY"},
    }


def test_looking_leaves_no_snapshot_and_eight_may_look_at_once(engine: Engine) -> None:
    before, ids = snapshots(engine), [f"customer-{number:03d}" for number in range(1, 6)]
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    of_runs = snapshots(engine)
    moments = [NOW + timedelta(minutes=number) for number in range(8)]
    with TestClient(create_app(engine)) as client, ThreadPoolExecutor(8) as looking:
        client.headers["Authorization"] = f"Bearer {engine.keys.create('test', scope='admin')}"
        ask = [
            lambda at: client.post("/v1/decisions", json={"campaign": "welcome-back", "customer_ids": ids, "moment": at}),
            lambda at: client.post("/v1/messages", json={"campaign": "welcome-back", "customer_ids": ids, "moment": at}),
            lambda _at: client.get(f"/v1/reports/{run_id}"),
        ]  # fmt: skip
        for each in ask:
            answers = list(looking.map(each, [at.isoformat() for at in moments]))
            assert [answer.status_code for answer in answers] == [200] * 8
    assert snapshots(engine) == of_runs
    assert len(of_runs) <= len(before) + 1


def test_a_decision_sees_what_came_in_a_moment_ago_and_says_of_when_it_is(engine: Engine) -> None:
    engine.events.collect({"batch": [order("new-customer", NOW)]})
    (explained,) = engine.campaigns.explain("welcome-back", ["new-customer"], moment=NOW + timedelta(minutes=1))
    assert explained.as_of == NOW + timedelta(minutes=1)
    told = run(engine, "decide", "customer-001", "--campaign", "welcome-back", "--at", NOW.isoformat())
    assert "as of 2026-03-02 02:00 UTC" in told


def test_a_report_says_of_when_it_is_and_keeps_nothing(engine: Engine) -> None:
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    engine.clock.advance(timedelta(days=1))  # type: ignore[attr-defined]
    assert engine.runs.report(run_id).as_of == "2026-03-03 02:00 UTC"
    assert not engine.runs.parts.rewards.root.exists()


def test_a_segment_says_of_when_it_is_and_that_the_log_has_grown_since(engine: Engine) -> None:
    fresh = engine.segments.of("orders >= 0")
    assert (fresh.as_of, fresh.events_since) == (NOW, 0)
    engine.events.collect({"batch": [order("new-customer", NOW), order("another", NOW)]})
    stale = engine.segments.of("orders >= 0")
    assert (stale.customers, stale.events_since) == (fresh.customers, 2)
    for asked in (("segment", "orders >= 0"), ("profile", "customer-001")):
        told = run(engine, *asked)
        assert "as of 2026-03-02 02:00 UTC; events since: 2" in told
    run(engine, "profiles")
    told = run(engine, "segment", "orders >= 0")
    assert f"of {fresh.customers + 2} customers" in told
    assert "events since" not in told


def test_profiles_of_the_past_do_not_become_those_in_use(engine: Engine) -> None:
    told = run(engine, "profiles", "--at", "2024-01-01T00:00:00Z")
    assert "0 profiles as of 2024-01-01 00:00 UTC" in told
    assert f"in use is snapshot {engine.profiles.latest().version}" in told
    assert engine.profiles.latest().as_of == NOW
    assert "of 500 customers" in run(engine, "segment", "orders >= 0")
