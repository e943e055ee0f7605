"""An owner goes on only while its term lasts: told by its own clock, by the database, and in its transactions."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhanggui.errors import BusyError, FlowError
from zhanggui.storage import Database
from zhanggui.touches import flows, ownership
from zhanggui.touches.flows import Flow, Term
from zhanggui.touches.ownership import Ownership, OwnershipSettings

SETTINGS = OwnershipSettings(ttl_seconds=45, heartbeat_seconds=10, margin_seconds=5, look_seconds=0.25)


class Watch:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _run(database: Database) -> None:
    with database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="welcome", version=1)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def own(database: Database, watch: Watch) -> Ownership:
    with database.transaction() as connection:
        term = ownership.begin(connection, "run", settings=SETTINGS)
    return Ownership(database, term, began=watch(), settings=SETTINGS, monotonic=watch)


def over(database: Database, term: Term) -> None:
    """Make it as if the owner had not been heard of for too long."""
    with database.transaction() as connection:
        assert flows.renew(connection, term, ttl=timedelta(0))


def test_settings_are_lengths_of_time() -> None:
    assert OwnershipSettings(ttl_seconds=1.5).ttl == timedelta(seconds=1.5)
    defaults = OwnershipSettings()
    assert 3 * defaults.heartbeat_seconds < defaults.ttl_seconds - defaults.margin_seconds, "two beats may be missed"
    assert defaults.ttl_seconds + defaults.margin_seconds < 90, "another worker takes over within 90 s"


def test_a_term_is_begun_under_a_new_name_each_time(database: Database) -> None:
    with database.transaction() as connection:
        first = ownership.begin(connection, "run", settings=SETTINGS)
        assert flows.lasts(connection, first)
        with pytest.raises(BusyError, match="another worker is at run"):
            ownership.begin(connection, "run", settings=SETTINGS)
        flows.resign(connection, first)
        assert ownership.begin(connection, "run", settings=SETTINGS).owner != first.owner


def test_a_begun_term_lasts_for_its_ttl(database: Database) -> None:
    with database.transaction() as connection:
        term = ownership.begin(connection, "run", settings=SETTINGS)
        for lasts, after in ((True, 44), (False, 46)):
            moment = term.since + timedelta(seconds=after)
            assert flows.lasts(connection, term, issue=lambda _connection, moment=moment: moment) is lasts


def test_an_owner_stops_by_its_own_clock_before_its_term_is_over(own: Ownership, watch: Watch) -> None:
    watch.seconds += 39.99
    own.check()
    with own.transaction():
        pass
    watch.seconds = 1_040.0
    with pytest.raises(BusyError, match=r"^run could not be held"):
        own.check()
    with pytest.raises(BusyError, match=r"^run could not be held"), own.transaction():
        pytest.fail("nothing may be written")


def test_a_beat_renews_from_the_moment_before_it_was_asked(own: Ownership, watch: Watch) -> None:
    watch.seconds += 39.0
    assert own.beat()
    watch.seconds += 39.99
    own.check()
    watch.seconds += 0.01
    with pytest.raises(BusyError):
        own.check()


def test_a_beat_of_a_term_that_is_over_stops_the_owner_at_once(database: Database, own: Ownership) -> None:
    over(database, own.term)
    assert not own.beat()
    with pytest.raises(BusyError, match=r"^run could not be held"):
        own.check()


@pytest.fixture
def deaf(tmp_path: Path, own: Ownership, watch: Watch) -> Iterator[Ownership]:
    """An owner whose database has become unreadable."""
    broken = Database(f"sqlite:///{tmp_path / 'other.db'}")
    (tmp_path / "other.db").write_text("no database at all, and long enough to be taken for one" * 10)
    yield Ownership(broken, own.term, began=watch(), settings=SETTINGS, monotonic=watch)
    broken.close()


def test_a_database_that_does_not_answer_is_asked_again_until_the_term_is_over(
    deaf: Ownership, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.seconds += 39.99
    assert deaf.beat()
    watch.seconds += 0.01
    assert not deaf.beat()
    assert all(told.startswith("run: its owner could not be heard: the file ") for told in caplog.messages)
    assert len(caplog.messages) == 2


def test_an_owner_that_cannot_resign_says_so_and_leaves(deaf: Ownership, caplog: pytest.LogCaptureFixture) -> None:
    with deaf:
        pass
    (told,) = caplog.messages
    assert told.startswith("run: its owner could not resign: the file ")
    assert "is no SQLite database" in told


def test_the_database_is_looked_at_when_the_last_look_is_old(database: Database, own: Ownership, watch: Watch) -> None:
    with database.transaction() as connection:
        flows.pause(connection, "run", "prices")
    watch.seconds += 0.24
    own.check()
    watch.seconds = 1_000.25
    with pytest.raises(FlowError, match=r"run is paused \(prices\); `zhanggui campaign resume run`"):
        own.check()
    with database.transaction() as connection:
        flows.resume(connection, "run")
    own.check()
    with database.transaction() as connection:
        flows.cancel(connection, "run")
    own.check()
    watch.seconds += 0.25
    with pytest.raises(FlowError, match="run was cancelled, for good"):
        own.check()


def test_nothing_is_written_under_a_term_that_another_has_taken_over(database: Database, own: Ownership) -> None:
    over(database, own.term)
    with pytest.raises(BusyError, match="another worker"), own.transaction():
        pytest.fail("nothing may be written")
    with database.transaction() as connection:
        ownership.begin(connection, "run", settings=SETTINGS)
    with pytest.raises(BusyError, match="another worker is at run"), own.transaction():
        pytest.fail("nothing may be written")


def test_what_is_written_under_a_term_stays(database: Database, own: Ownership) -> None:
    with own.transaction() as connection:
        flows.open(connection, "written", kind="run", name="welcome", version=1)
    with database.reading() as connection:
        assert flows.state(connection, "written") == "running"


def test_while_it_is_entered_a_thread_renews_and_leaving_resigns(database: Database) -> None:
    quick = OwnershipSettings(heartbeat_seconds=0.01)
    with database.transaction() as connection:
        term = ownership.begin(connection, "run", settings=quick)

    def until() -> datetime:
        with database.reading() as connection:
            return connection.execute(sa.select(flows.flows.c.owner_until)).scalar_one()

    first, end = until(), threading.Event()
    with Ownership(database, term, began=0.0, settings=quick, monotonic=lambda: 0.0):
        for _ in range(200):
            if until() > first or end.wait(0.01):
                break
        assert until() > first
    with database.transaction() as connection:
        assert ownership.begin(connection, "run", settings=quick).since > term.since


@pytest.mark.parametrize(
    ("kind", "state", "reason", "error", "words"),
    [
        ("run", "running", "", BusyError, "another worker is at this; wait until it has ended"),
        ("run", "paused", "", FlowError, "this is paused; `zhanggui campaign resume this` lets it go on"),
        ("run", "cancelled", "a slip", FlowError, "this was cancelled (a slip), for good; run it for another moment"),
        ("run", "done", "", FlowError, "this is done"),
        (
            "journey",
            "paused",
            "a slip",
            FlowError,
            "this is paused (a slip); `zhanggui flow resume this` lets it go on",
        ),
        ("journey", "cancelled", "", FlowError, "this was cancelled, for good; give it another name"),
    ],
)
def test_a_refusal_says_why(
    kind: flows.Kind, state: flows.State, reason: str, error: type[Exception], words: str
) -> None:
    refused = ownership.refusal(Flow(flow_id="this", kind=kind, name="a", version=1, state=state, reason=reason))
    assert (type(refused), str(refused)) == (error, words)
