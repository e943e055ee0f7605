"""The runs of a shop: begun, walked to their end, delivered, learned from, reported on. `Engine` adds the other verbs.

Each method is one verb. Knows that a walk is durable, not how.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from zhanggui.campaigns import learn as learning
from zhanggui.campaigns import preferences as preferring
from zhanggui.campaigns import run as running
from zhanggui.campaigns import store as campaign_store
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.durable import Workflows, busy
from zhanggui.campaigns.run_parts import Progress
from zhanggui.delivery import outbox
from zhanggui.errors import BusyError, NotFoundError, ZhangguiError
from zhanggui.evaluation.report import RunReport
from zhanggui.evaluation.run_report import report as report_of
from zhanggui.shop import Shop
from zhanggui.storage.db_errors import explained

_log = logging.getLogger(__name__)
_GRACE = timedelta(minutes=1)
"""So long a run that was just begun is left to whoever began it."""
_NIGHT = timedelta(days=1)
"""No quiet hours put a message off for longer."""


class Runs(Shop):
    """A shop whose campaigns run."""

    def run_campaign(
        self, name: str, *, moment: datetime | None = None, progress: Progress = lambda _s, _d, _t: None
    ) -> tuple[str, dict[str, Any]]:
        """Walk the line to its end; the same campaign version for the same moment is the same run, walked once.

        A run that had failed is walked again, its finished words and messages kept.
        """
        run_id = self._begin(name, moment)
        steps = running.Steps(replace(self.parts, progress=progress)).by_name()
        return run_id, self._walk(run_id, steps)

    def start_run(self, name: str, *, moment: datetime | None = None) -> str:
        """Like `run_campaign`, in the background; returns the run's id at once."""
        run_id = self._begin(name, moment)
        self._in_background(run_id)
        return run_id

    def resume(self) -> list[str]:
        """Walk on, in the background, with what a stop or a crash has cut off; returns those runs' ids.

        `zhanggui serve` calls it again and again. While any run of the shop is under way it leaves them all be. A run whose
        messages would have expired is not walked: who never gets one must not be counted as written to.
        """
        if any(thread.is_alive() for thread in list(self._threads)):
            return []
        with self.database.reading() as connection:
            found = campaign_store.unfinished(connection, before=self.clock() - _GRACE)
        if not found or busy(self._data / "run.lock"):
            return []
        lifetime = _NIGHT + timedelta(hours=self.config.delivery.expire_hours)
        todo = []
        for run in found:
            if "enqueue" not in run.results and run.moment + lifetime < self.clock():
                self._note(
                    run.run_id, "it was cut off, and its messages would have expired since; run it for a new moment"
                )
            else:
                todo.append(run.run_id)
        if todo:
            self._in_background(*todo)
        return todo

    def run_status(self, run_id: str) -> dict[str, Any]:
        """A run: its state (running, waiting, done or failed), why it failed, and what its finished steps counted.

        Raises NotFoundError.
        """
        with self.database.reading() as connection:
            run = campaign_store.find(connection, run_id)
            state = run.state(messages=outbox.counts(connection, run_id).states)
        found = asdict(run)
        return {"state": state, "reason": found.pop("failure"), **found}

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
        with self.database.reading() as connection:
            due = outbox.runs_due(connection, now=self.clock())
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
        with self.database.reading() as connection:
            campaign_store.find(connection, run_id)
            return outbox.dead(connection, run_id)

    def requeue(self, run_id: str) -> int:
        """Make the dead letters of a run due again, for `deliver` to send; returns how many. Raises NotFoundError."""
        with self.database.transaction() as connection:
            campaign_store.find(connection, run_id)
            return outbox.requeue(connection, run_id, now=self.clock())

    def learn(self, run_id: str) -> learning.Learned:
        """Join a run's responses and teach the policy, once. Raises NotFoundError."""
        with self.database.reading() as connection:
            run, campaign = campaign_store.with_campaign(connection, run_id)
        return learning.learn(self.parts, campaign, run)

    def evaluate(self, run_id: str) -> RunReport:
        """The report of a run, as of now. Raises NotFoundError."""
        with self.database.reading() as connection:
            run, campaign = campaign_store.with_campaign(connection, run_id)
        return report_of(self.parts, campaign, run)

    def preferences(self, path: Path, names: Sequence[str] = (), **limits: Any) -> dict[str, int]:
        """Write comparisons for `zhanggui train preference` (`campaigns.preferences.write`). Raises NotFoundError."""
        return preferring.write(self.parts, path, names, **limits)

    def _campaign(self, name: str, moment: datetime | None) -> tuple[Campaign, datetime]:
        with self.database.reading() as connection:
            found, _ = campaign_store.get(connection, name)
        return found, running.moment_of(found, moment, self.clock())

    def _begin(self, name: str, moment: datetime | None) -> str:
        now = self.clock()
        with self.database.transaction() as connection:
            found, number = campaign_store.get(connection, name)
            at = running.moment_of(found, moment, now.replace(hour=0, minute=0, second=0, microsecond=0))
            run_id = campaign_store.run_id_of(name, number, at)
            campaign_store.begin(
                connection,
                campaign_store.Run(
                    run_id=run_id,
                    campaign=name,
                    version=number,
                    moment=at,
                    started_at=now,
                ),
            )
        return run_id

    def _deliver(self, steps: running.Steps, run_id: str) -> dict[str, Any]:
        with self.database.reading() as connection:
            run = campaign_store.find(connection, run_id)
        if "enqueue" not in run.results:  # to deliver nothing would end it
            raise NotFoundError(f"run {run_id!r} has no messages yet: it is still under way, was cut off or has failed")
        states = steps.deliver(run_id)
        if run.failure:
            self._note(run_id, "")  # sending was what had failed
        return states

    def _walk(self, run_id: str, steps: Mapping[str, Any]) -> dict[str, Any]:
        url = self.database.url.render_as_string(hide_password=False)
        if self.database.is_sqlite:  # a file of its own: its writers and ours do not wait for each other
            url = f"sqlite:///{self._data / 'workflows.db'}"
        with self._lock, explained(url), Workflows(steps, database_url=url, lock=self._data / "run.lock") as workflows:
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
        with self.database.transaction() as connection:
            campaign_store.fail(connection, run_id, failure)


def _in_words(error: Exception) -> str:
    """Why a run failed. An error that is not ours may go on with data of customers: its first line is enough."""
    if isinstance(error, ZhangguiError):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
