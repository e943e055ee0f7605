"""Runs that survive a crash: DBOS workflows over the shop's own database. Knows steps by name, not what they do.

A workflow's id is the run's id: the same run again returns what the first one returned. A step that had finished
is not done again; a step that was cut off is, so each step must be safe to repeat.
"""

import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zhanggui.errors import BusyError

Step = Callable[[str], Any]
"""Does one step of the run with the given id and returns what it counted (JSON-able)."""


class Workflows:
    """The durable runs of one shop in this process; a context manager.

    `steps` are done in order, each one once. Entering takes the shop's run lock; leaving lets it go. Raises BusyError
    while another process holds the lock.
    """

    def __init__(self, steps: Mapping[str, Step], *, database_url: str, lock: Path) -> None:
        self._steps, self._url, self._lock = steps, database_url, lock
        # Of nobody before us: what others left is taken up in `run`, one at a time. DBOS would take up all of it at once,
        # and would still be at it in the background when `run` has returned and the lock is gone.
        self._executor = secrets.token_hex(8)

    def run(self, run_id: str) -> Mapping[str, Any]:
        """Walk the run to its end, from where a killed process left it, and return each step's result; at once when it
        had ended before.
        """
        from dbos import DBOS, SetWorkflowID

        # A walk that failed keeps its error for good; the next attempt is a walk of its own, over the same run.
        number = 1
        while True:
            name = run_id if number == 1 else f"{run_id}.{number}"
            status = DBOS.get_workflow_status(name)
            if status is None or status.status != "ERROR":
                break
            number += 1
        if status is not None and status.status == "PENDING" and status.executor_id != self._executor:
            # Whoever walked it is gone, since we hold the lock; DBOS would wait for it for ever.
            DBOS.resume_workflow(name)
        with SetWorkflowID(name):
            handle = DBOS.start_workflow(self._walk, run_id)
        results: Mapping[str, Any] = handle.get_result()
        return results

    def __enter__(self) -> "Workflows":
        from dbos import DBOS

        self._held = _hold(self._lock)
        self._held.__enter__()
        # A step's error is raised to us; its log would show an operator the same once more, as a traceback.
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        # The version is that of the steps, not of the source: an upgrade takes up what it finds.
        DBOS(
            config={
                "name": "zhanggui",
                "system_database_url": self._url,
                "executor_id": self._executor,
                "application_version": "1",
                "log_level": "CRITICAL",
                "run_migrations": True,
            }
        )
        names = list(self._steps)
        doers = [_registered(name, step) for name, step in self._steps.items()]

        @DBOS.workflow(name="campaign_run")
        def walk(run_id: str) -> dict[str, Any]:
            return dict(zip(names, _each(doers, run_id), strict=True))

        self._walk = walk
        try:
            DBOS.launch()
        except BaseException:  # the next try, once the database is mended, must find the lock free
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)
        self._held.__exit__(None, None, None)


def busy(lock: Path) -> bool:
    """Whether some process is walking runs under this lock at the moment."""
    try:
        with _hold(lock):
            return False
    except BusyError:
        return True


def _registered(name: str, step: Step) -> Step:
    from dbos import DBOS

    def do(run_id: str) -> Any:  # DBOS marks what it registers, and a bound method cannot be marked
        return step(run_id)

    registered: Step = DBOS.step(name=name)(do)
    return registered


def _each(doers: Sequence[Step], run_id: str) -> Iterator[Any]:
    return (do(run_id) for do in doers)


@contextmanager
def _hold(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock that the kernel lets go when the process ends, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise BusyError(
                f"process {file.read().strip() or '?'} is running campaigns of this shop (lock {lock}); "
                "wait until it has ended"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
