"""`engine.runs`: runs are begun, walked to their end, paused, delivered, learned from, reported on.

Each method is one verb. Knows that a run has one owner, not how it walks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.campaigns import learn as learning
from zhanggui.campaigns import store, walk
from zhanggui.campaigns.run_parts import Progress, RunParts
from zhanggui.campaigns.send import send, send_journey
from zhanggui.campaigns.store import RunState
from zhanggui.delivery import outbox
from zhanggui.engine.walks import Walks
from zhanggui.errors import BusyError, FlowError, NotFoundError, ZhangguiError
from zhanggui.evaluation.report import RunReport
from zhanggui.evaluation.run_report import report as report_of
from zhanggui.touches import flows
from zhanggui.touches.flows import Flow
from zhanggui.touches.ownership import refusal


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run that was walked to its end."""

    run_id: str
    results: Mapping[str, Any]
    """What each step counted, by the step's name."""


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """Where a run stands."""

    state: RunState
    reason: str
    """Why it failed, or was paused or cancelled."""
    run_id: str
    campaign: str
    version: int
    moment: datetime
    started_at: datetime
    results: Mapping[str, Any]
    """What each finished step counted, by the step's name; of "deliver", how the messages stand now."""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of a shop's campaigns."""

    parts: RunParts
    walks: Walks

    def run(
        self, name: str, *, moment: datetime | None = None, progress: Progress = lambda _s, _d, _t: None
    ) -> RunResult:
        """Walk the line to its end; the same campaign version for the same moment is the same run, walked once.

        A run that had failed is walked again, its finished words and messages kept. Raises BusyError while another worker walks
        it, and FlowError when it is or gets paused or cancelled.
        """
        begun = self.walks.begin(name, moment)
        if begun.own is not None:
            self.walks.walk(begun.run_id, begun.own, progress)
        return RunResult(run_id=begun.run_id, results=self.status(begun.run_id).results)

    def start(self, name: str, *, moment: datetime | None = None) -> str:
        """Like `run`, in the background; returns the run's id at once."""
        begun = self.walks.begin(name, moment)
        if begun.own is not None:
            self.walks.in_background(begun.run_id, begun.own)
        return begun.run_id

    def go_on(self) -> list[str]:
        """Walk on, in the background, with runs that a crash has cut off or that were resumed; returns their ids. A worker calls
        it again and again.
        """
        return self.walks.go_on()

    def pause(self, which: str, *, reason: str = "") -> list[str]:
        """Let nothing new begin of a run, or of the runs of a campaign; the ids of those that were stopped.

        Raises NotFoundError, and FlowError when none was running.
        """
        return self._change(which, lambda connection, run_id: flows.pause(connection, run_id, reason), "under way")

    def resume(self, which: str) -> list[str]:
        """Let a paused run, or those of a campaign, go on: a worker takes them up. Raises NotFoundError and FlowError."""
        return self._change(which, flows.resume, "paused")

    def cancel(self, which: str, *, reason: str = "") -> list[str]:
        """End a run, or those of a campaign, for good; messages that wait are not sent. Raises NotFoundError and FlowError."""
        cancelled = self._change(
            which, lambda connection, run_id: flows.cancel(connection, run_id, reason), "under way or paused"
        )
        self._end_messages(cancelled)
        return cancelled

    def status(self, run_id: str) -> RunStatus:
        """Where a run stands, and what its finished steps counted. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            run, flow = store.find(connection, run_id), flows.get(connection, run_id)
            messages = outbox.counts(connection, run_id).states
        return RunStatus(
            state=run.state(flow=flow.state, messages=messages),
            reason=flow.reason or run.failure,
            run_id=run.run_id,
            campaign=run.campaign,
            version=run.version,
            moment=run.moment,
            started_at=run.started_at,
            results={**run.results, "deliver": {"sent": 0, **messages}} if run.walked else run.results,
        )

    def deliver(self, run_id: str) -> dict[str, int]:
        """Send what has become due of a run since, such as messages that waited for the end of quiet hours; how many of its
        messages stand where. Raises NotFoundError, also for a run that has not come to its messages, and FlowError.
        """
        with self.parts.database.reading() as connection:
            flow = flows.get(connection, run_id)
        if flow.state in ("paused", "cancelled"):
            raise refusal(flow)
        return self._deliver(self.parts, run_id)

    def deliver_due(self, *, say: Callable[[str], None] | None = None) -> dict[str, dict[str, int]]:
        """Send what is due of every run and journey; how many messages of each stand where, by its id. A worker calls it again and
        again.

        With `say`, a run that cannot be delivered is told to it and does not keep the others waiting.
        """
        # Retries are not waited for here: the next call takes them, and other runs are due as well.
        parts = replace(
            self.parts,
            delivery=replace(self.parts.delivery, max_wait_seconds=0.0),
            progress=self.walks.watched(self.parts.progress),
        )
        with parts.database.reading() as connection:
            due = outbox.runs_due(connection, now=parts.clock())
            due_flows = flows.named(connection, due)
            enqueueing = {flow.flow_id for flow in due_flows if flow.kind == "run" and not _enqueued(connection, flow)}
        self._end_messages([flow.flow_id for flow in due_flows if flow.state == "cancelled"])
        delivered = {}
        for flow in due_flows:
            run_id = flow.flow_id
            if flow.state in ("paused", "cancelled") or run_id in enqueueing:
                continue
            try:
                delivered[run_id] = (
                    self._deliver(parts, run_id) if flow.kind == "run" else self._deliver_journey(parts, run_id)
                )
            except FlowError:
                continue  # it was stopped meanwhile
            except ZhangguiError as error:
                if self.walks.stopping:
                    break
                if say is None:
                    raise
                say(f"run {run_id}: {error}")
        return delivered

    def dead(self, run_id: str) -> list[outbox.DeadLetter]:
        """The messages of a run that could not be delivered, each with its reason. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            store.find(connection, run_id)
            return outbox.dead(connection, run_id)

    def requeue(self, run_id: str) -> int:
        """Make the dead letters of a run due again, for `deliver` to send, and let a paused run go on; returns how many.

        Raises NotFoundError and FlowError.
        """
        with self.parts.database.transaction() as connection:
            store.find(connection, run_id)
            if (flow := flows.get(connection, run_id)).state == "cancelled":
                raise refusal(flow)
            flows.reopen(connection, run_id)
            flows.resume(connection, run_id)
            return outbox.requeue(connection, run_id, now=self.parts.clock())

    def learn(self, run_id: str) -> learning.Learned:
        """Join a run's responses and teach the policy, once. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            run, campaign = store.with_campaign(connection, run_id)
        return learning.learn(self.parts, campaign, run)

    def report(self, run_id: str) -> RunReport:
        """The report of a run, as of now. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            run, campaign = store.with_campaign(connection, run_id)
        return report_of(self.parts, campaign, run)

    def snapshots_in_progress(self) -> set[str]:
        """The versions of the snapshots that runs decide by which have not come to their end."""
        with self.parts.database.reading() as connection:
            under_way = [
                flow.flow_id
                for state in ("running", "paused")
                for flow in flows.listed(connection, kind="run", state=state)
            ]
            results = [store.find(connection, run_id).results for run_id in under_way]
        return {result["snapshot"]["version"] for result in results if "snapshot" in result}

    def wait(self) -> None:
        """Wait until the background runs have ended."""
        self.walks.wait()

    def stop(self) -> None:
        """Leave what is under way here, in the background or by `deliver_due`, to another worker. No run fails by it."""
        self.walks.stop()

    def _deliver(self, parts: RunParts, run_id: str) -> dict[str, int]:
        with parts.database.reading() as connection:
            run = store.find(connection, run_id)
        if "enqueue" not in run.results:  # to deliver nothing would end it
            raise NotFoundError(f"run {run_id!r} has no messages yet: it is still under way, was cut off or has failed")
        try:
            own = None if run.walked else self.walks.take_up(run_id)
        except BusyError:  # somebody is walking it, and may be helped
            own = None
        if own is not None:  # only sending is left of its walk
            with own:
                walk.walk(parts, run_id, own)
        else:
            send(parts, run)
            with parts.database.transaction() as connection:
                walk.settle(connection, run_id)
        return self._states(run_id)

    def _deliver_journey(self, parts: RunParts, flow_id: str) -> dict[str, int]:
        send_journey(parts, flow_id)
        return self._states(flow_id)

    def _states(self, flow_id: str) -> dict[str, int]:
        with self.parts.database.reading() as connection:
            return {"sent": 0, **outbox.counts(connection, flow_id).states}

    def _change(self, which: str, change: Callable[[sa.Connection, str], bool], wanted: str) -> list[str]:
        """Change the state of a run, or of a campaign's runs; those that were changed."""
        with self.parts.database.transaction() as connection:
            changed = [run_id for run_id in _runs_named(connection, which) if change(connection, run_id)]
        if not changed:
            raise FlowError(f"no run of {which} is {wanted}; `zhanggui campaign list` shows where each stands")
        return changed

    def _end_messages(self, cancelled: Sequence[str]) -> None:
        for run_id in cancelled:
            with self.parts.database.transaction() as connection:
                outbox.cancel(connection, run_id, now=self.parts.clock())


def _enqueued(connection: sa.Connection, flow: Flow) -> bool:
    """Whether all messages of a run are in the outbox: its walk comes to sending by itself, and only then."""
    return "enqueue" in store.find(connection, flow.flow_id).results


def _runs_named(connection: sa.Connection, which: str) -> list[str]:
    """The run with an id, or the runs of the campaign with a name. Raises NotFoundError."""
    try:
        return [store.find(connection, which).run_id]
    except NotFoundError:
        store.get(connection, which)
        return [run.run_id for run in store.runs_of(connection, which)]
