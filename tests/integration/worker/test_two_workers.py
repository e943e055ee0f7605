"""Two workers beside one database, with folders of their own and the same data: each step is safe to do in both at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.engine import Engine
from zhanggui.profiles.build import NAME
from zhanggui.storage import Database
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel
from zhanggui.worker import Outcome, steps

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # eleven in the evening in Shanghai: messages wait
ROUNDS = 4


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def channel() -> MemoryChannel:
    return MemoryChannel()


@pytest.fixture
def engines(database: Database, tmp_path: Path, clock: FixedClock, channel: MemoryChannel) -> Iterator[list[Engine]]:
    with ExitStack() as opened:
        engines = []
        for name in ("one", "two"):
            Engine.create(tmp_path / name)
            with (tmp_path / name / "zhanggui.toml").open("a") as settings:
                url = database.url.render_as_string(hide_password=False)
                settings.write(f'[storage]\ndatabase = "{url}"\nfolder = "{tmp_path / "data"}"\n')
                settings.write("[worker]\nbuild_seconds = 1\nkeep_snapshots = 1\n")
            fakes = {"model": FakeLLM("Tea, for quiet evenings."), "channels": {"email": channel}, "clock": clock}
            engines.append(opened.enter_context(Engine.open(tmp_path / name, **fakes)))
        engines[0].load_sample()
        yield engines


def test_every_step_of_two_workers_goes_well_side_by_side_and_every_message_leaves_once(
    engines: list[Engine], clock: FixedClock, channel: MemoryChannel
) -> None:
    run_id = engines[0].runs.run("welcome-back", moment=NOW).run_id
    waiting = engines[0].runs.status(run_id).results["deliver"]["waiting"]
    sent_at_once = len(channel.sent)
    assert waiting > 50
    clock.advance(timedelta(hours=11))  # morning
    todo = [step for engine in engines for step in steps(engine)]
    together = threading.Barrier(len(todo))

    outcomes: list[Outcome | Exception] = []

    def repeated(number: int) -> None:
        for _ in range(ROUNDS):
            together.wait()
            try:
                outcomes.extend(todo[number].do())
            except Exception as error:  # kept, so that the others do not wait for a step that failed
                outcomes.append(error)
            together.wait()
            if number == 0:
                clock.advance(timedelta(seconds=2))

    with ThreadPoolExecutor(len(todo)) as pool:
        list(pool.map(repeated, range(len(todo))))
    assert outcomes == []
    assert set(Counter(message.message_id for message in channel.sent).values()) == {1}
    assert len(channel.sent) > sent_at_once + waiting - 10
    assert engines[1].runs.status(run_id).state == "done"
    one, two = engines
    assert one.profiles.latest() == two.profiles.latest()
    assert one.profiles.latest().as_of > NOW + timedelta(hours=11)
    assert len(one.runs.parts.artifacts.versions(NAME)) <= 3
    with one.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event_files").scalar()
    assert one.segments.of("orders >= 0").customers == 500
