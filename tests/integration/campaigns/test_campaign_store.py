from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zhanggui.campaigns import store
from zhanggui.campaigns.campaign import parse
from zhanggui.errors import NotFoundError
from zhanggui.storage import Database
from zhanggui.touches import flows

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CAMPAIGN = parse('name = "a"\ntitle = {en = "A"}\nchannels = ["email"]\n[[offers]]\nid = "x"\ntitle = {en = "X"}\n')


def test_the_same_definition_keeps_its_version_and_a_change_makes_a_new_one(database: Database) -> None:
    with database.transaction() as connection:
        assert store.apply(connection, CAMPAIGN, now=NOW) == 1
        assert store.apply(connection, CAMPAIGN, now=NOW) == 1
        assert store.apply(connection, replace(CAMPAIGN, holdout=0.2), now=NOW) == 2
        assert store.get(connection, "a", 1) == (CAMPAIGN, 1)
        assert store.get(connection, "a")[0].holdout == 0.2


def test_an_unknown_campaign_is_not_found(database: Database) -> None:
    with database.reading() as connection, pytest.raises(NotFoundError, match="campaign 'b'"):
        store.get(connection, "b")


def test_a_run_is_opened_once_and_keeps_its_results(database: Database) -> None:
    run_id = store.run_id_of("a", 1, NOW)
    run = store.Run(run_id=run_id, campaign="a", version=1, moment=NOW, started_at=NOW)
    with database.transaction() as connection:
        store.begin(connection, run)
        store.keep(connection, run_id, "decide", {"treated": 3})
        assert store.begin(connection, run).results == {"decide": {"treated": 3}}
        assert [one.run_id for one in store.runs_of(connection, "a")] == [run_id]


def test_the_same_campaign_version_and_moment_is_the_same_run() -> None:
    assert store.run_id_of("a", 1, NOW) == store.run_id_of("a", 1, NOW)
    assert store.run_id_of("a", 2, NOW) != store.run_id_of("a", 1, NOW)


def test_a_run_is_unfinished_until_it_has_delivered_or_failed_while_nobody_works_it(database: Database) -> None:
    with database.transaction() as connection:
        for run_id in ("newer", "cut-off", "ended", "failed", "paused", "owned"):
            started = NOW + timedelta(days=run_id == "newer")
            store.begin(connection, store.Run(run_id=run_id, campaign="a", version=1, moment=NOW, started_at=started))
            store.keep(connection, run_id, "decide", {"deliver": 3})
        store.keep(connection, "ended", "deliver", {"sent": 1})
        store.fail(connection, "failed", "the model did not answer")
        flows.pause(connection, "paused")
        assert flows.acquire(connection, "owned", "ann", ttl=timedelta(minutes=1)) is not None
        flows.open(connection, "cart", kind="journey", name="cart", version=1)
        assert [run.run_id for run in store.unfinished(connection)] == ["cut-off", "newer"]


@pytest.mark.parametrize(
    ("results", "failure", "flow", "messages", "state"),
    [
        ({"decide": {}}, "", "running", {}, "running"),
        ({"decide": {}}, "no model", "running", {}, "failed"),
        ({"deliver": {}}, "", "running", {"sent": 1, "waiting": 1}, "waiting"),
        ({"deliver": {}}, "", "running", {"sent": 1, "dead": 1, "refused": 1, "waiting": 0}, "done"),
        ({"deliver": {}}, "", "done", {"sent": 1}, "done"),
        ({"decide": {}}, "no model", "paused", {}, "paused"),
        ({"deliver": {}}, "", "paused", {"waiting": 1}, "paused"),
        ({"deliver": {}}, "", "cancelled", {"refused": 1}, "cancelled"),
    ],
)
def test_where_a_run_stands_follows_from_its_flow_its_steps_and_its_messages(
    results: dict[str, object], failure: str, flow: flows.State, messages: dict[str, int], state: str
) -> None:
    run = store.Run(run_id="r", campaign="a", version=1, moment=NOW, started_at=NOW, results=results, failure=failure)
    assert run.state(flow=flow, messages=messages) == state
