"""A run has one owner: others are refused and leave nothing; who takes over does what is not recorded; who was replaced stops."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhanggui.campaigns import store, walk
from zhanggui.campaigns.run import Steps
from zhanggui.delivery import outbox
from zhanggui.engine import Engine
from zhanggui.engine.walks import Begun
from zhanggui.errors import BusyError, FlowError
from zhanggui.shops.sample import SampleShop
from zhanggui.storage import Database
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel
from zhanggui.touches import flows
from zhanggui.touches.ownership import Ownership, OwnershipSettings

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai
STEPS = ("snapshot", "decide", "write", "enqueue", "deliver")


@pytest.fixture
def channel() -> MemoryChannel:
    return MemoryChannel()


@pytest.fixture
def engine(open_sample: Callable[..., Engine], channel: MemoryChannel) -> Engine:
    return open_sample(FixedClock(NOW), model=FakeLLM("Tea, for quiet evenings."), channels={"email": channel})


def begin(engine: Engine, moment: datetime = NOW) -> tuple[str, Ownership]:
    begun: Begun = engine.runs.walks.begin("welcome-back", moment)
    assert begun.own is not None
    return begun.run_id, begun.own


def walked_through(engine: Engine, run_id: str, own: Ownership, names: Sequence[str]) -> None:
    """Do these steps and record them."""
    steps = Steps(engine.runs.parts, run_id, own).by_name()
    for name in names:
        counted = steps[name]()
        with own.transaction() as connection:
            store.keep(connection, run_id, name, counted)


def not_heard_of(engine: Engine, own: Ownership) -> None:
    """Let the owner's term be over."""
    with engine.database.transaction() as connection:
        assert flows.renew(connection, own.term, ttl=timedelta(0))


def test_whoever_takes_over_at_any_step_does_what_is_not_recorded_and_sends_once(
    engine: Engine, channel: MemoryChannel
) -> None:
    for days, killed_in in enumerate(STEPS):
        moment = NOW - timedelta(days=days)
        run_id, own = begin(engine, moment)
        walked_through(engine, run_id, own, STEPS[: STEPS.index(killed_in)])
        Steps(engine.runs.parts, run_id, own).by_name()[killed_in]()  # done, and killed before it could be recorded
        before = engine.runs.status(run_id).results
        assert killed_in not in before
        with pytest.raises(BusyError):
            engine.runs.run("welcome-back", moment=moment)
        not_heard_of(engine, own)
        assert engine.runs.go_on() == [run_id]
        engine.runs.wait()
        after = engine.runs.status(run_id)
        assert tuple(after.results) == STEPS
        assert {name: after.results[name] for name in before} == before
        assert after.state in ("waiting", "done")
    sent = [message.message_id for message in channel.sent]
    assert len(sent) > 100
    assert len(sent) == len(set(sent))


def test_a_walk_that_lost_its_term_stops_before_its_next_write(engine: Engine, channel: MemoryChannel) -> None:
    run_id, own = begin(engine)
    walked_through(engine, run_id, own, ["snapshot"])
    not_heard_of(engine, own)
    successor = engine.runs.walks.take_up(run_id)
    decisions = engine.runs.parts.decisions.root
    with pytest.raises(BusyError, match="another worker"):
        walk.walk(engine.runs.parts, run_id, own)
    assert list(decisions.rglob("*.parquet")) == []
    assert tuple(engine.runs.status(run_id).results) == ("snapshot",)
    assert engine.runs.status(run_id).reason == "", "that it was replaced is no failure of the run"
    walk.walk(engine.runs.parts, run_id, successor)
    assert len(channel.sent) > 100


def test_a_run_that_is_refused_leaves_no_row_that_would_be_sent_later(database: Database) -> None:
    run = store.Run(run_id="r", campaign="a", version=1, moment=NOW, started_at=NOW)
    with database.transaction() as connection:
        flows.open(
            connection, "r", kind="run", name="a", version=1
        )  # of a run whose row another worker is about to write
        assert flows.acquire(connection, "r", "ann", ttl=timedelta(minutes=1)) is not None
    with pytest.raises(BusyError), database.transaction() as connection:
        walk.begin(connection, run, settings=OwnershipSettings())
    with database.reading() as connection:
        assert connection.execute(sa.select(store.runs)).all() == []


def test_a_paused_or_cancelled_run_is_not_begun_again(database: Database) -> None:
    run = store.Run(run_id="r", campaign="a", version=1, moment=NOW, started_at=NOW)
    with database.transaction() as connection:
        assert walk.begin(connection, run, settings=OwnershipSettings()) is not None
        flows.pause(connection, "r")
    for change, refused in ((lambda _c, _r: True, "paused"), (flows.cancel, "cancelled")):
        with database.transaction() as connection:
            change(connection, "r")
        with pytest.raises(FlowError, match=refused), database.transaction() as connection:
            walk.begin(connection, run, settings=OwnershipSettings())


def test_a_run_that_was_walked_to_its_end_is_not_owned_again(engine: Engine, channel: MemoryChannel) -> None:
    first = engine.runs.run("welcome-back", moment=NOW)
    sent = len(channel.sent)
    assert engine.runs.walks.begin("welcome-back", NOW) == Begun(run_id=first.run_id, own=None)
    assert engine.runs.run("welcome-back", moment=NOW) == first
    assert len(channel.sent) == sent
    with engine.database.reading() as connection:
        assert flows.get(connection, first.run_id).state == "running", "some messages wait for the morning"


def test_two_shops_in_one_process_run_side_by_side(tmp_path: Path, sample_shop: Callable[..., SampleShop]) -> None:
    both = threading.Barrier(2, timeout=120)
    met = threading.Event()

    def answer(_request: object, number: int) -> str:
        if number == 0 and not met.is_set():
            both.wait()  # only if both are writing at the same time
            met.set()
        return "Tea, for quiet evenings."

    with ExitStack() as opened:
        runs = []
        for name in ("tea", "silk"):
            sample_shop(tmp_path / name, NOW)
            channel = MemoryChannel()
            shop = Engine.open(
                tmp_path / name, model=FakeLLM(answer), channels={"email": channel}, clock=FixedClock(NOW)
            )
            engine = opened.enter_context(shop)
            runs.append((engine, channel, engine.runs.start("welcome-back", moment=NOW)))
        for engine, channel, run_id in runs:
            engine.runs.wait()
            assert engine.runs.status(run_id).state == "waiting"
            assert len(channel.sent) > 100
    assert met.is_set()


def test_messages_are_put_into_the_outbox_once_however_often_they_are(engine: Engine) -> None:
    run_id, own = begin(engine)
    walked_through(engine, run_id, own, STEPS[:3])
    enqueue = Steps(engine.runs.parts, run_id, own).enqueue
    counted = enqueue()
    assert enqueue() == counted
    with engine.database.reading() as connection:
        assert outbox.counts(connection, run_id).states == {"waiting": counted["messages"]}
