"""Walks the line for a campaign: snapshot, decide, write, enqueue, deliver. Each step is safe to repeat.

Versions, file names and message ids follow from the run's id; so a step that was cut off does the same again.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from zhanggui.campaigns import store
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.gate import ConsentGate
from zhanggui.campaigns.messages import PERSONAL, Row, briefs_of, messages_of
from zhanggui.campaigns.plan import Choice, choice, plan
from zhanggui.campaigns.replan_unpersonalised import ReplanUnpersonalised
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.content import copies
from zhanggui.content.brief import Brief
from zhanggui.content.write import write
from zhanggui.decisioning.decision import Decision
from zhanggui.delivery import outbox
from zhanggui.delivery.deliver import deliver
from zhanggui.errors import ArtifactError
from zhanggui.events.event import Event
from zhanggui.profiles.build import Snapshot, build, latest, opened


class Steps:
    """The steps of any run of a shop, by name, in order."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts

    def by_name(self) -> dict[str, Any]:
        """What `durable.Workflows` takes."""
        return {
            "snapshot": self.snapshot,
            "decide": self.decide,
            "write": self.write,
            "enqueue": self.enqueue,
            "deliver": self.deliver,
        }

    def snapshot(self, run_id: str) -> dict[str, Any]:
        """Build the profiles as of the run's moment."""
        parts, (run, _) = self._parts, self._load(run_id)
        if "decide" in run.results:  # by these profiles; see `decide`
            return dict(run.results["snapshot"])
        parts.progress("profiles", 0, 1)
        built = build(
            parts.events,
            parts.artifacts,
            as_of=run.moment,
            settings=parts.profiles,
            now=parts.clock(),
            base=latest(parts.artifacts),
        )
        parts.progress("profiles", 1, 1)
        return self._kept(run_id, "snapshot", {"version": built.version, "customers": built.rows})

    def decide(self, run_id: str) -> dict[str, Any]:
        """Decide for the audience and log every decision, once: when a run that failed is walked again, messages may have
        left by what was decided, and what their customers said since must not change the log of it.
        """
        parts, (run, campaign) = self._parts, self._load(run_id)
        if "decide" in run.results:
            return dict(run.results["decide"])
        arms: Counter[str] = Counter()
        policy_version = ""
        for number, (decisions, _) in enumerate(
            plan(parts, campaign, self._snapshot(run), choice(parts, campaign), run_id=run_id, now=run.moment)
        ):
            parts.decisions.write(decisions, batch=number)
            arms.update(one.arm for one in decisions)
            policy_version = decisions.versions.policy_version
            parts.progress("decisions", len(decisions), None)
        return self._kept(run_id, "decide", {"customers": arms.total(), **arms, "policy_version": policy_version})

    def write(self, run_id: str) -> dict[str, Any]:
        """Write the words of every distinct brief, once."""
        parts, (run, campaign) = self._parts, self._load(run_id)
        try:
            return self._kept(run_id, "write", copies.kept(parts.artifacts, run_id).metrics)
        except ArtifactError:
            pass
        briefs = {brief.brief_id: brief for _, _, brief in self._briefs(run, campaign, choice(parts, campaign))}
        parts.progress("words", 0, len(briefs))
        model = parts.model() if any(one.language in parts.model_languages for one in briefs.values()) else None
        written = write(
            briefs.values(),
            model,
            languages=parts.model_languages,
            settings=parts.content,
            progress=lambda count: parts.progress("words", count, len(briefs)),
        )
        artifact = copies.keep(
            parts.artifacts,
            run_id,
            written,
            settings=parts.content,
            model=model.identity if model else "",
            now=parts.clock(),
        )
        return self._kept(run_id, "write", artifact.metrics)

    def enqueue(self, run_id: str) -> dict[str, Any]:
        """Put the messages into the outbox."""
        parts, (run, campaign) = self._parts, self._load(run_id)
        words = copies.read(copies.kept(parts.artifacts, run_id))
        options = choice(parts, campaign)
        messages = list(messages_of(parts, run, options, self._briefs(run, campaign, options), words))
        with parts.database.transaction() as connection:
            new = outbox.enqueue(connection, messages, now=run.moment)
        return self._kept(run_id, "enqueue", {"messages": len(messages), "new": new})

    def deliver(self, run_id: str) -> dict[str, Any]:
        """Send what may be sent now or soon; tell the event log what was delivered."""
        parts = self._parts
        with parts.database.reading() as connection:
            run = store.find(connection, run_id)
            waiting = sum(outbox.counts(connection, run_id).states.values())
        # Of the run, and so the same for all who have refused: read once, and only if somebody has.
        plain = ReplanUnpersonalised(
            parts=parts,
            run=run,
            campaign=cache(lambda: self._load(run_id)[1]),
            snapshot=cache(lambda: self._snapshot(run)),
            copies=cache(lambda: copies.read(copies.kept(parts.artifacts, run_id))),
        )
        parts.progress("messages", 0, waiting)
        gate = ConsentGate(limits=parts.limits, time_zone=parts.time_zone, without_profile=plain)
        while True:
            if waiting:
                deliver(
                    parts.database,
                    parts.channels(),
                    gate,
                    clock=parts.clock,
                    settings=parts.delivery,
                    run_id=run_id,
                    progress=lambda count: parts.progress("messages", count, waiting),
                )
            with parts.database.reading() as connection:
                due = outbox.next_due(connection, run_id)
            # Retries are waited for; what is due after quiet hours is left to `zhanggui serve` or `campaign deliver`.
            wait = (due - parts.clock()).total_seconds() if due else None
            if wait is None or wait > parts.delivery.max_wait_seconds:
                break
            time.sleep(max(0.05, wait))
        with parts.database.transaction() as connection:
            states = outbox.counts(connection, run_id).states
            told = [_delivered(one) for one in outbox.sent(connection, run_id)]
            parts.events.append(connection, told, now=parts.clock())
        return self._kept(run_id, "deliver", {"sent": 0, **states})

    def _briefs(self, run: Run, campaign: Campaign, options: Choice) -> Iterator[tuple[Decision, Row, Brief]]:
        parts, snapshot = self._parts, self._snapshot(run)
        profiles = {}
        for batch in parts.decisions.read(run.run_id):
            rows = snapshot.table(PERSONAL, customer_ids=batch.customer_ids).to_pylist()
            profiles = {row["customer_id"]: row for row in rows}
            yield from briefs_of(parts, campaign, options, batch, profiles)

    def _snapshot(self, run: Run) -> Snapshot:
        with self._parts.database.reading() as connection:
            version = store.find(connection, run.run_id).results["snapshot"]["version"]
        return opened(self._parts.artifacts.get("profiles", version))

    def _load(self, run_id: str) -> tuple[Run, Campaign]:
        with self._parts.database.reading() as connection:
            return store.with_campaign(connection, run_id)

    def _kept(self, run_id: str, step: str, result: Mapping[str, Any]) -> dict[str, Any]:
        with self._parts.database.transaction() as connection:
            store.keep(connection, run_id, step, dict(result))
        return dict(result)


def _delivered(one: outbox.Sent) -> Event:
    return Event(
        message_id=f"delivered-{one.message_id}",
        type="track",
        name="Message Delivered",
        user_id=one.customer_id,
        timestamp=one.sent_at,
        received_at=one.sent_at,
        properties={"channel": one.channel, "decision_id": one.decision_id, "message_id": one.message_id},
    )


def moment_of(campaign: Campaign, asked: datetime | None, now: datetime) -> datetime:
    """The moment that a run is for: what was asked, else the campaign's start, else now."""
    from datetime import UTC

    found = asked or campaign.start or now
    return found if found.tzinfo else found.replace(tzinfo=UTC)
