"""The log: once per messageId, right by event time, one consistent moment for a reader."""

import json
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhanggui.events import LOG_SCHEMA, AppendResult, Event, EventLog, EventSettings
from zhanggui.events.compact import compact
from zhanggui.storage import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def order(number: int, *, user: str = "u1", hours: float = 0) -> Event:
    return Event(
        message_id=f"m{number}",
        type="track",
        name="Order Completed",
        user_id=user,
        timestamp=NOW - timedelta(hours=hours),
        received_at=NOW,
        properties={"revenue": number, "products": [{"product_id": "p", "price": 1.5, "quantity": 2}]},
    )


def append(log: EventLog, events: Sequence[Event], now: datetime = NOW) -> AppendResult:
    with log.database.transaction() as connection:
        return log.append(connection, events, now=now)


def ids(log: EventLog) -> list[str]:
    with log.read() as events:
        return sorted(events.message_id.to_pyarrow().to_pylist())


@pytest.fixture
def log(database: Database, tmp_path: Path) -> EventLog:
    return EventLog(database, tmp_path / "log")


def test_an_empty_log_reads_as_an_empty_table(log: EventLog) -> None:
    with log.read() as events:
        assert events.schema().names == tuple(LOG_SCHEMA.names)
        assert events.count().to_pyarrow().as_py() == 0


def test_hot_and_compacted_events_read_alike(log: EventLog) -> None:
    rich = replace(
        order(1),
        anonymous_id="a",
        properties={
            "order_id": "o",
            "revenue": 9.99,
            "currency": "USD",
            "zh": "掌柜",
            "products": [{"product_id": "p", "price": 1.5}, {"sku": "s"}],
        },
    )
    plain = Event(message_id="m2", type="identify", user_id="u2", timestamp=NOW, received_at=NOW, traits={"a": 1})
    append(log, [rich, plain])
    with log.read() as events:
        hot = events.order_by("message_id").to_pyarrow().to_pylist()
    assert compact(log, now=NOW).moved == 2
    with log.read() as events:
        cold = events.order_by("message_id").to_pyarrow().to_pylist()
    assert hot == cold
    assert cold[0]["timestamp"] == NOW
    assert cold[0]["revenue_minor"] == 999
    assert [line["price_minor"] for line in cold[0]["products"]] == [150, None]
    assert cold[1]["products"] is None
    assert json.loads(cold[0]["body"])["properties"]["zh"] == "掌柜"
    append(log, [order(3)])
    assert ids(log) == ["m1", "m2", "m3"]


def test_a_message_is_stored_once_also_after_compaction(log: EventLog) -> None:
    assert append(log, [order(1), order(1), order(2)]) == AppendResult(stored=2, duplicates=1)
    assert append(log, [order(2), order(3)]) == AppendResult(stored=1, duplicates=1)
    compact(log, now=NOW)
    assert append(log, [order(1), order(2), order(3)]) == AppendResult(stored=0, duplicates=3)
    assert log.known(["m1", "m9"]) == {"m1"}
    assert ids(log) == ["m1", "m2", "m3"]


def test_message_ids_are_forgotten_after_the_window_only(log: EventLog) -> None:
    append(log, [order(1)])
    assert compact(log, now=NOW + timedelta(days=30)).forgotten == 0
    assert append(log, [order(1)], NOW + timedelta(days=30)).duplicates == 1
    assert compact(log, now=NOW + timedelta(days=30, seconds=1)).forgotten == 1


def test_late_events_are_right_by_event_time(log: EventLog) -> None:
    append(log, [order(1, hours=0), order(2, hours=1)])
    compact(log, now=NOW)
    append(log, [order(3, hours=24 * 400), order(4, hours=0.5)])
    compact(log, now=NOW)
    with log.read() as events:
        in_time = events.order_by("timestamp").message_id.to_pyarrow().to_pylist()
    assert in_time == ["m3", "m2", "m4", "m1"]
    assert (log.root / (NOW - timedelta(hours=24 * 400)).date().isoformat()).is_dir()


def test_touched_names_the_ids_since_a_position(log: EventLog) -> None:
    append(log, [order(1, user="u1"), order(2, user="u2")])
    position = log.position()
    append(log, [order(1, user="u1")])
    assert log.touched(position) == set()
    append(
        log,
        [
            order(3, user="u2"),
            Event(message_id="x", type="alias", user_id="u3", previous_id="a3", timestamp=NOW, received_at=NOW),
        ],
    )
    compact(log, now=NOW)
    assert log.touched(position) == {"u2", "u3", "a3"}
    assert log.touched(0) == {"u1", "u2", "u3", "a3"}
    assert log.touched(log.position()) == set()


def test_an_append_that_rolls_back_leaves_nothing(log: EventLog) -> None:
    with pytest.raises(RuntimeError), log.database.transaction() as connection:
        log.append(connection, [order(1)], now=NOW)
        raise RuntimeError
    assert (ids(log), log.position(), log.touched(0)) == ([], 0, set())
    assert append(log, [order(1)]).stored == 1


def test_threads_that_append_the_same_events_store_each_once(log: EventLog) -> None:
    results: list[AppendResult] = []

    def work(shift: int) -> None:
        for start in range(0, 100, 20):
            numbers = [(start + shift + i) % 100 for i in range(20)]
            results.append(append(log, [order(number) for number in numbers]))

    threads = [threading.Thread(target=work, args=(shift,)) for shift in (0, 33, 71)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.stored for result in results) == 100
    assert ids(log) == sorted(f"m{number}" for number in range(100))


def test_a_reader_sees_one_moment_while_compaction_runs(database: Database, tmp_path: Path) -> None:
    log = EventLog(database, tmp_path / "log", EventSettings(compact_rows=10, merge_files=2))
    append(log, [order(number, hours=number) for number in range(60)])
    seen: list[tuple[int, int]] = []

    def look(*_: object) -> None:
        with log.read() as events:
            table = events.message_id.to_pyarrow().to_pylist()
        seen.append((len(table), len(set(table))))

    with log.read() as before:
        compact(log, now=NOW, progress=lambda phase, _: None if phase == "listed" and database.is_sqlite else look())
        append(log, [order(100, hours=2)])
        compact(log, now=NOW)
        assert before.count().to_pyarrow().as_py() == 60
    assert set(seen) == {(60, 60)}
    assert len(ids(log)) == 61


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    numbers=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    cuts=st.lists(st.booleans(), min_size=60, max_size=60),
    order_seed=st.randoms(use_true_random=False),
)
def test_order_batches_repeats_and_compactions_do_not_matter(
    numbers: list[int], cuts: list[bool], order_seed: object
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Database(f"sqlite:///{folder}/shop.db"), Path(folder) / "log")
        log.database.migrate()
        order_seed.shuffle(numbers)  # type: ignore[attr-defined]
        batch: list[Event] = []
        for number, cut in zip(numbers, cuts, strict=False):
            batch.append(order(number, hours=number * 7))
            if cut:
                append(log, batch)
                batch = []
                if number % 3 == 0:
                    compact(log, now=NOW)
        append(log, batch)
        assert ids(log) == sorted(f"m{number}" for number in set(numbers))
        log.database.close()
