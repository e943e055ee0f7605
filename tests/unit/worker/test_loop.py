import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from zhanggui.errors import StorageError
from zhanggui.worker import Outcome, Step, work


def step(name: str, do: Callable[[], Iterator[Outcome]], seconds: float = 0.001) -> Step:
    return Step(name=name, seconds=seconds, do=do)


def nothing() -> Iterator[Outcome]:
    yield from ()


def worked(steps: list[Step], until: threading.Event) -> list[Outcome]:
    """Lets a worker work until something has happened; what it told."""
    told: list[Outcome] = []
    stop = threading.Event()
    worker = threading.Thread(target=work, args=(steps,), kwargs={"stop": stop, "tell": told.append})
    worker.start()
    try:
        assert until.wait(30), "it never happened"
    finally:
        stop.set()
        worker.join(30)
    assert not worker.is_alive()
    return told


def counting(times: int) -> tuple[Callable[[], Iterator[Outcome]], threading.Event]:
    """A step, and what is set once it was done so often."""
    enough, done = threading.Event(), []

    def do() -> Iterator[Outcome]:
        done.append(None)
        if len(done) == times:
            enough.set()
        yield Outcome(step="count", run_id=f"run-{len(done)}")

    return do, enough


def test_each_step_is_done_again_and_again_and_its_outcomes_are_told() -> None:
    do, enough = counting(3)
    told = worked([step("count", do)], enough)
    assert [outcome.run_id for outcome in told[:3]] == ["run-1", "run-2", "run-3"]


def test_a_step_that_fails_is_told_of_and_keeps_no_other_and_not_itself_from_going_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[Exception] = [StorageError("the disk is full"), RuntimeError("a mistake of ours")]
    again = threading.Event()

    def fails() -> Iterator[Outcome]:
        if failures:
            raise failures.pop(0)
        again.set()
        yield from ()

    do, enough = counting(2)
    both = threading.Event()
    waiting = threading.Thread(target=lambda: (again.wait(30), enough.wait(30), both.set()))
    waiting.start()
    told = worked([step("fail", fails), step("count", do)], both)
    waiting.join()
    assert again.is_set()
    assert Outcome(step="fail", problem="the disk is full") in told
    assert not any("mistake" in outcome.problem for outcome in told)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "the step 'fail' of the worker failed" in caplog.text


def test_a_step_that_takes_long_keeps_no_other_waiting() -> None:
    do, enough = counting(3)

    def takes_long() -> Iterator[Outcome]:
        enough.wait(30)
        yield Outcome(step="long", problem="" if enough.is_set() else "it waited in vain")

    told = worked([step("long", takes_long, 3600), step("count", do)], enough)
    assert Outcome(step="long") in told


def test_a_worker_ends_at_once_when_its_steps_wait_for_their_next_time() -> None:
    do, enough = counting(1)
    told = worked([step("count", do, 3600), step("nothing", nothing, 3600)], enough)
    assert told == [Outcome(step="count", run_id="run-1")]


def test_a_worker_that_is_stopped_before_it_begins_does_nothing() -> None:
    stop, told = threading.Event(), []
    stop.set()
    do, enough = counting(1)
    work([step("count", do)], stop=stop, tell=told.append)
    assert (told, enough.is_set()) == ([], False)
