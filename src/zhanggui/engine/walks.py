"""Walks of runs: owned, one at a time in this process, here or in the background. Knows no verb of an operator's."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from zhanggui.campaigns import store, walk
from zhanggui.campaigns.run import moment_of
from zhanggui.campaigns.run_parts import Progress, RunParts
from zhanggui.campaigns.store import Run
from zhanggui.delivery.sender_identity import IdentityProblem
from zhanggui.errors import BusyError, ConfigError, FlowError, ZhangguiError
from zhanggui.touches.ownership import Ownership

_log = logging.getLogger(__name__)
_NIGHT = timedelta(days=1)
"""No quiet hours put a message off for longer."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run that was opened or taken up, and its owner; None when it was walked to its end before."""

    run_id: str
    own: Ownership | None


@dataclass(frozen=True, kw_only=True)
class Walks:
    """The walks of a shop in this process. They wait for each other, since they share its model and its memory."""

    parts: RunParts
    identity_problems: Callable[[Collection[str]], Sequence[IdentityProblem]] = lambda _channels: ()
    """What keeps the shop from writing to customers over these channels."""
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False, repr=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def begin(self, name: str, moment: datetime | None = None) -> Begun:
        """Open a campaign's run, or take it up where it stands, and own it from now on.

        Raises NotFoundError, BusyError while another worker walks it, FlowError, and ConfigError for a shop that does not say
        who it is; then nothing was written.
        """
        parts, now, began = self.parts, self.parts.clock(), time.monotonic()
        with parts.database.transaction() as connection:
            campaign, version = store.get(connection, name)
            if problems := self.identity_problems(campaign.channels):
                raise ConfigError("\n".join(problem.english for problem in problems))
            at = moment_of(campaign, moment, now.replace(hour=0, minute=0, second=0, microsecond=0))
            run_id = store.run_id_of(name, version, at)
            run = Run(run_id=run_id, campaign=name, version=version, moment=at, started_at=now)
            term = walk.begin(connection, run, settings=parts.ownership)
        if term is None:
            return Begun(run_id=run_id, own=None)
        return Begun(run_id=run_id, own=Ownership(parts.database, term, began=began, settings=parts.ownership))

    def take_up(self, run_id: str) -> Ownership:
        """Own a run that was cut off, resumed, or failed. Raises BusyError and FlowError."""
        parts, began = self.parts, time.monotonic()
        with parts.database.transaction() as connection:
            term = walk.take_up(connection, run_id, settings=parts.ownership)
        return Ownership(parts.database, term, began=began, settings=parts.ownership)

    def walk(self, run_id: str, own: Ownership, progress: Progress | None = None) -> None:
        """Walk an owned run to its end; then nobody owns it. Raises BusyError and FlowError where it may not go on."""
        with own, self._turn:
            walk.walk(replace(self.parts, progress=self.watched(progress or self.parts.progress)), run_id, own)

    @property
    def stopping(self) -> bool:
        """Whether what is under way is to be left."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Leave the walks that are under way: each ends with its next bit of progress, and another worker goes on."""
        self._stop.set()

    def watched(self, progress: Progress) -> Progress:
        """The same, but for a BusyError once the walks are to be left."""

        def report(step: str, done: int, total: int | None) -> None:
            progress(step, done, total)
            if self.stopping:
                raise BusyError("this worker ends; another goes on with what it was at")

        return report

    def in_background(self, run_id: str, own: Ownership) -> None:
        """The same in a thread of its own."""
        self._start(lambda: self._alone(run_id, lambda: own))

    def go_on(self) -> list[str]:
        """Walk on, in the background, with runs that nobody works: cut off by a crash, or resumed. Returns their ids.

        While a run is under way in this process the others are left be. A run whose messages would have expired is not walked: who
        never gets one must not be counted as written to.
        """
        if any(thread.is_alive() for thread in list(self._threads)):
            return []
        lifetime = _NIGHT + timedelta(hours=self.parts.delivery.expire_hours)
        with self.parts.database.reading() as connection:
            unfinished = store.unfinished(connection)
        late = [
            run for run in unfinished if "enqueue" not in run.results and run.moment + lifetime < self.parts.clock()
        ]
        for run in late:
            with self.parts.database.transaction() as connection:
                reason = "it was cut off, and its messages would have expired since; run it for a new moment"
                store.fail(connection, run.run_id, reason)
        run_ids = [run.run_id for run in unfinished if run not in late]

        def one_after_the_other() -> None:
            for run_id in run_ids:
                if self.stopping:
                    break
                self._alone(run_id, lambda run_id=run_id: self.take_up(run_id))  # type: ignore[misc]

        if run_ids:
            self._start(one_after_the_other)
        return run_ids

    def wait(self) -> None:
        """Wait until the background walks have ended."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _alone(self, run_id: str, owned: Callable[[], Ownership]) -> None:
        """In the background, where nobody catches: the run says what went wrong, and so does the log."""
        try:
            self.walk(run_id, owned())
        except (BusyError, FlowError) as error:
            _log.info("run %s: %s", run_id, error)
        except ZhangguiError as error:
            _log.warning("run %s: %s", run_id, error)
        except Exception:
            _log.exception("run %s failed", run_id)
