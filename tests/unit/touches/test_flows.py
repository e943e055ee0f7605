"""States of a flow, and the terms of its owners, each at its boundary."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zhanggui.errors import NotFoundError
from zhanggui.storage import Database
from zhanggui.touches import flows
from zhanggui.touches.flows import Flow, Term

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TTL = timedelta(seconds=45)
TICK = timedelta(microseconds=1)


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        for flow_id in ("this", "that"):
            flows.open(connection, flow_id, kind="run", name="welcome", version=3)
        yield connection


def at(moment: datetime) -> Callable[[sa.Connection], datetime]:
    return lambda _connection: moment


def begun(connection: sa.Connection, moment: datetime = NOON, *, owner: str = "ann", flow_id: str = "this") -> Term:
    term = flows.acquire(connection, flow_id, owner, ttl=TTL, issue=at(moment))
    assert term is not None
    return term


def test_a_flow_is_opened_running_and_once(connection: sa.Connection) -> None:
    opened = Flow(flow_id="this", kind="run", name="welcome", version=3, state="running", reason="")
    assert flows.get(connection, "this") == opened
    flows.pause(connection, "this", "five rejects")
    again = flows.open(connection, "this", kind="journey", name="other", version=4)
    assert (again.kind, again.name, again.version, again.state, again.reason) == ("run", "welcome", 3, "paused", "five rejects")  # fmt: skip


def test_a_flow_that_nobody_opened_is_not_found_and_not_stopped(connection: sa.Connection) -> None:
    with pytest.raises(NotFoundError, match="no run or flow 'none'"):
        flows.get(connection, "none")
    assert flows.state(connection, "none") is None
    assert [flow.flow_id for flow in flows.named(connection, ["this", "none"])] == ["this"]
    assert [flow.flow_id for flow in flows.named(connection, ["this", "that"])] == ["that", "this"]
    assert flows.acquire(connection, "none", "ann", ttl=TTL) is None
    assert not flows.pause(connection, "none")


# change -> (from which states it does something, what they become)
CHANGES = {
    flows.pause: ({"running"}, "paused"),
    flows.resume: ({"paused"}, "running"),
    flows.cancel: ({"running", "paused"}, "cancelled"),
    flows.finish: ({"running"}, "done"),
    flows.reopen: ({"done"}, "running"),
}


@pytest.mark.parametrize("state", ["running", "paused", "cancelled", "done"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_flow_changes_only_from_where_it_can_and_alone(
    connection: sa.Connection, change: Callable[..., bool], state: str
) -> None:
    connection.execute(sa.update(flows.flows).values(state=state))
    sources, becomes = CHANGES[change]
    assert change(connection, "this") is (state in sources)
    assert flows.state(connection, "this") == (becomes if state in sources else state)
    assert flows.state(connection, "that") == state


def test_a_flow_is_a_walk_of_the_version_that_it_was_last_revised_to(connection: sa.Connection) -> None:
    flows.revise(connection, "this", 4)
    assert (flows.get(connection, "this").version, flows.get(connection, "that").version) == (4, 3)


def test_why_it_was_paused_is_kept_until_it_goes_on(connection: sa.Connection) -> None:
    flows.pause(connection, "this", "x" * 600)
    assert flows.get(connection, "this").reason == "x" * 500
    flows.resume(connection, "this")
    assert flows.get(connection, "this").reason == ""
    flows.pause(connection, "this")
    assert flows.get(connection, "this").reason == ""
    flows.cancel(connection, "this", "wrong price" + "!" * 500)
    assert flows.get(connection, "this").reason == "wrong price" + "!" * 489


def test_paused_and_cancelled_flows_are_halted_and_no_others(connection: sa.Connection) -> None:
    for state in ("running", "paused", "cancelled", "done"):
        flows.open(connection, state, kind="journey", name=state, version=1)
        connection.execute(sa.update(flows.flows).where(flows.flows.c.flow_id == state).values(state=state))
    assert sorted(connection.execute(flows.halted()).scalars()) == ["cancelled", "paused"]
    assert [flow.flow_id for flow in flows.listed(connection, kind="run", state="running")] == ["that", "this"]
    assert [flow.flow_id for flow in flows.listed(connection, kind="journey", state="running")] == ["running"]
    assert [flow.flow_id for flow in flows.listed(connection, kind="journey", state="paused")] == ["paused"]


def test_policy_rejects_are_counted_a_flow_until_one_is_accepted_or_it_is_resumed(connection: sa.Connection) -> None:
    assert [flows.rejected(connection, "this") for _ in range(3)] == [1, 2, 3]
    assert flows.rejected(connection, "that") == 1
    flows.accepted(connection, "this")
    assert (flows.rejected(connection, "this"), flows.rejected(connection, "that")) == (1, 2)
    flows.pause(connection, "this")
    flows.resume(connection, "this")
    assert flows.rejected(connection, "this") == 1
    assert flows.rejected(connection, "none") == 0


def test_an_acceptance_writes_only_where_there_were_rejects(connection: sa.Connection) -> None:
    changes = "SELECT total_changes()"
    flows.rejected(connection, "that")
    before = connection.exec_driver_sql(changes).scalar_one()
    flows.accepted(connection, "this")
    assert connection.exec_driver_sql(changes).scalar_one() == before


def test_a_flow_has_one_owner_until_the_term_is_over_and_not_a_moment_longer(connection: sa.Connection) -> None:
    assert begun(connection) == Term(flow_id="this", owner="ann", since=NOON)
    assert begun(connection, flow_id="that", owner="bob").owner == "bob", "another flow is another's"
    for moment in (NOON, NOON + TTL - TICK):
        assert flows.acquire(connection, "this", "bob", ttl=TTL, issue=at(moment)) is None
    assert begun(connection, NOON + TTL, owner="bob") == Term(flow_id="this", owner="bob", since=NOON + TTL)


def test_running_flows_without_an_owner_are_looked_for_by_kind(connection: sa.Connection) -> None:
    def unowned(moment: datetime) -> list[str]:
        return [flow.flow_id for flow in flows.unowned(connection, kind="run", issue=at(moment))]

    flows.open(connection, "cart", kind="journey", name="cart", version=1)
    assert unowned(NOON) == ["that", "this"]
    term = begun(connection)
    assert unowned(NOON + TTL - TICK) == ["that"]
    assert unowned(NOON + TTL) == ["that", "this"]
    flows.pause(connection, "that")
    assert unowned(NOON) == []
    flows.resign(connection, term)
    assert unowned(NOON) == ["this"]
    assert [flow.flow_id for flow in flows.unowned(connection, kind="journey")] == ["cart"]


@pytest.mark.parametrize("state", ["paused", "cancelled", "done"])
def test_only_a_running_flow_is_owned(connection: sa.Connection, state: str) -> None:
    term = begun(connection, flow_id="that")
    connection.execute(sa.update(flows.flows).values(state=state))
    assert flows.acquire(connection, "this", "ann", ttl=TTL, issue=at(NOON)) is None
    assert not flows.lasts(connection, term, issue=at(NOON))


def test_a_renewed_term_lasts_from_the_renewal(connection: sa.Connection) -> None:
    term = begun(connection)
    renewed = NOON + TTL - TICK
    assert flows.renew(connection, term, ttl=TTL, issue=at(renewed))
    assert flows.lasts(connection, term, issue=at(renewed + TTL - TICK))
    assert not flows.lasts(connection, term, issue=at(renewed + TTL))


def test_a_term_that_is_over_is_not_renewed(connection: sa.Connection) -> None:
    term = begun(connection)
    assert not flows.renew(connection, term, ttl=TTL, issue=at(NOON + TTL))
    assert flows.acquire(connection, "this", "bob", ttl=TTL, issue=at(NOON + TTL)) is not None


def test_a_late_renewal_or_resignation_touches_nobody_elses_term(connection: sa.Connection) -> None:
    late = begun(connection)
    over = NOON + TTL
    for owner in ("bob", "ann"):  # "ann" again: the same owner in a later term
        term = begun(connection, over, owner=owner)
        assert not flows.renew(connection, late, ttl=TTL, issue=at(over))
        assert not flows.lasts(connection, late, issue=at(over))
        flows.resign(connection, late)
        assert flows.lasts(connection, term, issue=at(over + TTL - TICK))
        assert not flows.lasts(connection, term, issue=at(over + TTL))
        over += TTL


def test_a_term_is_of_one_flow(connection: sa.Connection) -> None:
    this, that = begun(connection), begun(connection, flow_id="that")
    assert flows.renew(connection, this, ttl=2 * TTL, issue=at(NOON))
    assert not flows.lasts(connection, that, issue=at(NOON + TTL))
    flows.resign(connection, that)
    assert flows.lasts(connection, this, issue=at(NOON + TTL))


def test_who_resigns_leaves_the_flow_to_the_next_at_once_in_a_term_of_its_own(connection: sa.Connection) -> None:
    first = begun(connection)
    flows.resign(connection, first)
    assert not flows.lasts(connection, first, issue=at(NOON))
    assert not flows.renew(connection, first, ttl=TTL, issue=at(NOON))
    second = begun(connection)
    assert second.since == NOON + TICK, "the same moment again would be the same term"


def test_terms_begin_ever_later_also_when_the_clock_was_set_back(connection: sa.Connection) -> None:
    flows.resign(connection, begun(connection))
    earlier = NOON - timedelta(hours=1)
    term = begun(connection, earlier)
    assert term.since == NOON + TICK
    assert flows.lasts(connection, term, issue=at(earlier + TTL - TICK))
    assert not flows.lasts(connection, term, issue=at(earlier + TTL))


def test_moments_come_from_the_database_unless_a_test_issues_them(connection: sa.Connection) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    term = flows.acquire(connection, "this", "ann", ttl=TTL)
    assert term is not None
    assert before < term.since < datetime.now(UTC) + timedelta(seconds=1)
    assert flows.renew(connection, term, ttl=TTL)
    assert flows.lasts(connection, term)
    assert flows.renew(connection, term, ttl=-TTL)
    assert not flows.lasts(connection, term)
    assert not flows.renew(connection, term, ttl=TTL)
