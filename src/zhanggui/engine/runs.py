"""`engine.runs`: runs are begun, walked to their end, delivered, learned from, reported on.

Each method is one verb. Knows that a walk is durable, not how.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from zhanggui.campaigns import learn as learning
from zhanggui.campaigns import run as running
from zhanggui.campaigns import store as campaign_store
from zhanggui.campaigns.durable import Workflows, busy
from zhanggui.campaigns.run_parts import Progress, RunParts
from zhanggui.campaigns.store import State
from zhanggui.delivery import outbox
from zhanggui.errors import BusyError, NotFoundError, ZhangguiError
from zhanggui.evaluation.report import RunReport
from zhanggui.evaluation.run_report import report as report_of
from zhanggui.storage.db_errors import explained

_log = logging.getLogger(__name__)
_GRACE = timedelta(minutes=1)
"""So long a run that was just begun is left to whoever began it."""
_NIGHT = timedelta(days=1)
"""No quiet hours put a message off for longer."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run that was walked to its end."""

    run_id: str
    results: Mapping[str, Any]
    """What each step counted, by the step's name."""


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """Where a run stands."""

    state: State
    reason: str
    """Why it failed; "" when it has not."""
    run_id: str
    campaign: str
    version: int
    moment: datetime
    started_at: datetime
    results: Mapping[str, Any]
    """What each finished step counted, by the step's name."""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of a shop's campaigns. `data` is the folder of its locks."""

    parts: RunParts
    data: Path
    _walking: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False, repr=False)

    def run(
        self, name: str, *, moment: datetime | None = None, progress: Progress = lambda _s, _d, _t: None
    ) -> RunResult:
        """Walk the line to its end; the same campaign version for the same moment is the same run, walked once.

        A run that had failed is walked again, its finished words and messages kept.
        """
        run_id = self.begin(name, moment)
        steps = running.Steps(replace(self.parts, progress=progress)).by_name()
        return RunResult(run_id=run_id, results=self._walk(run_id, steps))

    def begin(self, name: str, moment: datetime | None = None) -> str:
        """Write down that a run begins, and walk it not; returns its id. Raises NotFoundError."""
        now = self.parts.clock()
        with self.parts.database.transaction() as connection:
            campaign, version = campaign_store.get(connection, name)
            at = running.moment_of(campaign, moment, now.replace(hour=0, minute=0, second=0, microsecond=0))
            run_id = campaign_store.run_id_of(name, version, at)
            campaign_store.begin(
                connection,
                campaign_store.Run(
                    run_id=run_id,
                    campaign=name,
                    version=version,
                    moment=at,
                    started_at=now,
                ),
            )
        return run_id

    def start(self, name: str, *, moment: datetime | None = None) -> str:
        """Like `run`, in the background; returns the run's id at once."""
        run_id = self.begin(name, moment)
        self._in_background(run_id)
        return run_id

    def resume(self) -> list[str]:
        """Walk on, in the background, with what a stop or a crash has cut off; returns those runs' ids.

        `zhanggui serve` calls it again and again. While any run of the shop is under way it leaves them all be. A run whose
        messages would have expired is not walked: who never gets one must not be counted as written to.
        """
        if any(thread.is_alive() for thread in list(self._threads)):
            return []
        with self.parts.database.reading() as connection:
            found = campaign_store.unfinished(connection, before=self.parts.clock() - _GRACE)
        if not found or busy(self.data / "run.lock"):
            return []
        lifetime = _NIGHT + timedelta(hours=self.parts.delivery.expire_hours)
        todo = []
        for run in found:
            if "enqueue" not in run.results and run.moment + lifetime < self.parts.clock():
                self._note(
                    run.run_id, "it was cut off, and its messages would have expired since; run it for a new moment"
                )
            else:
                todo.append(run.run_id)
        if todo:
            self._in_background(*todo)
        return todo

    def status(self, run_id: str) -> RunStatus:
        """A run: its state (running, waiting, done or failed), why it failed, and what its finished steps counted.

        Raises NotFoundError.
        """
        with self.parts.database.reading() as connection:
            run = campaign_store.find(connection, run_id)
            state = run.state(messages=outbox.counts(connection, run_id).states)
        return RunStatus(
            state=state,
            reason=run.failure,
            run_id=run.run_id,
            campaign=run.campaign,
            version=run.version,
            moment=run.moment,
            started_at=run.started_at,
            results=run.results,
        )

    def deliver(self, run_id: str) -> dict[str, Any]:
        """Send what has become due of a run since, such as messages that waited for the end of quiet hours.

        Raises NotFoundError, also for a run that has not come to its messages.
        """
        return self._deliver(running.Steps(self.parts), run_id)

    def deliver_due(self, *, say: Callable[[str], None] | None = None) -> dict[str, dict[str, Any]]:
        """Send what is due of every run; what each run then counts, by run id. `zhanggui serve` calls it again and again.

        With `say`, a run that cannot be delivered is told to it and does not keep the others waiting.
        """
        # Retries are not waited for here: the next call takes them, and other runs are due as well.
        steps = running.Steps(replace(self.parts, delivery=replace(self.parts.delivery, max_wait_seconds=0.0)))
        with self.parts.database.reading() as connection:
            due = outbox.runs_due(connection, now=self.parts.clock())
        done = {}
        for run_id in due:
            try:
                done[run_id] = self._deliver(steps, run_id)
            except ZhangguiError as error:
                if say is None:
                    raise
                say(f"run {run_id}: {error}")
        return done

    def dead(self, run_id: str) -> list[outbox.DeadLetter]:
        """The messages of a run that could not be delivered, each with its reason. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            campaign_store.find(connection, run_id)
            return outbox.dead(connection, run_id)

    def requeue(self, run_id: str) -> int:
        """Make the dead letters of a run due again, for `deliver` to send; returns how many. Raises NotFoundError."""
        with self.parts.database.transaction() as connection:
            campaign_store.find(connection, run_id)
            return outbox.requeue(connection, run_id, now=self.parts.clock())

    def learn(self, run_id: str) -> learning.Learned:
        """Join a run's responses and teach the policy, once. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            run, campaign = campaign_store.with_campaign(connection, run_id)
        return learning.learn(self.parts, campaign, run)

    def report(self, run_id: str) -> RunReport:
        """The report of a run, as of now. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            run, campaign = campaign_store.with_campaign(connection, run_id)
        return report_of(self.parts, campaign, run)

    def wait(self) -> None:
        """Wait until the background runs have ended."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _deliver(self, steps: running.Steps, run_id: str) -> dict[str, Any]:
        with self.parts.database.reading() as connection:
            run = campaign_store.find(connection, run_id)
        if "enqueue" not in run.results:  # to deliver nothing would end it
            raise NotFoundError(f"run {run_id!r} has no messages yet: it is still under way, was cut off or has failed")
        states = steps.deliver(run_id)
        if run.failure:
            self._note(run_id, "")  # sending was what had failed
        return states

    def _walk(self, run_id: str, steps: Mapping[str, Any]) -> dict[str, Any]:
        url = self.parts.database.url.render_as_string(hide_password=False)
        if self.parts.database.is_sqlite:  # a file of its own: its writers and ours do not wait for each other
            url = f"sqlite:///{self.data / 'workflows.db'}"
        with (
            self._walking,
            explained(url),
            Workflows(steps, database_url=url, lock=self.data / "run.lock") as workflows,
        ):
            self._note(run_id, "")
            try:
                with explained(url):
                    return dict(workflows.run(run_id))
            except Exception as error:
                self._note(run_id, _in_words(error))
                raise

    def _in_background(self, *run_ids: str) -> None:
        thread = threading.Thread(target=self._walk_alone, args=run_ids)
        self._threads.append(thread)
        thread.start()

    def _walk_alone(self, *run_ids: str) -> None:
        """In the background, where nobody catches: the runs say what went wrong, and so does the log, since a run that could
        not even be taken up says nothing.
        """
        for run_id in run_ids:
            try:
                self._walk(run_id, running.Steps(self.parts).by_name())
            except BusyError:
                pass  # it is tried again
            except ZhangguiError as error:
                _log.warning("run %s: %s", run_id, error)
            except Exception:
                _log.exception("run %s failed", run_id)

    def _note(self, run_id: str, failure: str) -> None:
        with self.parts.database.transaction() as connection:
            campaign_store.fail(connection, run_id, failure)


def _in_words(error: Exception) -> str:
    """Why a run failed. An error that is not ours may go on with data of customers: its first line is enough."""
    if isinstance(error, ZhangguiError):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
