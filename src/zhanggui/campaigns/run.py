"""The steps of a campaign's run: snapshot, decide, write, enqueue, deliver. Each is safe to repeat, and stops where its owner
may not go on.

Versions, file names and message ids follow from the run's id; so a step that was cut off does the same again.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from zhanggui.campaigns import store
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.messages import PERSONAL, Row, briefs_of, messages_of
from zhanggui.campaigns.plan import Choice, choice, plan
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.send import send, snapshot_of
from zhanggui.campaigns.store import Run
from zhanggui.content import copies
from zhanggui.content.brief import Brief
from zhanggui.content.message import Message
from zhanggui.content.write import write
from zhanggui.decisioning.decision import Decision
from zhanggui.delivery import outbox
from zhanggui.errors import ArtifactError
from zhanggui.profiles.build import build
from zhanggui.profiles.snapshot import latest
from zhanggui.touches.ownership import Ownership

_ENQUEUED_AT_ONCE = 1_000

_log = logging.getLogger(__name__)


class Steps:
    """The steps of one run, which `own` works."""

    def __init__(self, parts: RunParts, run_id: str, own: Ownership) -> None:
        self._parts, self._run_id, self._own = parts, run_id, own

    def by_name(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """In order; each does its part and returns what it counted (JSON-able)."""
        return {
            "snapshot": self.snapshot,
            "decide": self.decide,
            "write": self.write,
            "enqueue": self.enqueue,
            "deliver": self.deliver,
        }

    def snapshot(self) -> dict[str, Any]:
        """Build the profiles as of the run's moment."""
        parts, (run, _) = self._parts, self._load()
        parts.progress("profiles", 0, 1)
        built = build(
            parts.events,
            parts.artifacts,
            as_of=run.moment,
            settings=parts.profiles,
            now=parts.clock(),
            base=latest(parts.artifacts, by=run.moment),
        )
        parts.progress("profiles", 1, 1)
        return {"version": built.version, "customers": built.rows}

    def decide(self) -> dict[str, Any]:
        """Decide for the audience and log every decision."""
        parts, (run, campaign) = self._parts, self._load()
        arms: Counter[str] = Counter()
        policy_version = ""
        batches = plan(
            parts, campaign, snapshot_of(parts, run), choice(parts, campaign), run_id=run.run_id, now=run.moment
        )
        for number, (decisions, _) in enumerate(batches):
            self._own.check()
            parts.decisions.write(decisions, batch=number)
            arms.update(decision.arm for decision in decisions)
            policy_version = decisions.versions.policy_version
            parts.progress("decisions", len(decisions), None)
        return {"customers": arms.total(), **arms, "policy_version": policy_version}

    def write(self) -> dict[str, Any]:
        """Write the words of every distinct brief, once."""
        parts, (run, campaign) = self._parts, self._load()
        try:
            return dict(copies.kept(parts.artifacts, run.run_id).metrics)
        except ArtifactError:
            pass
        briefs = {brief.brief_id: brief for _, _, brief in self._briefs(run, campaign, choice(parts, campaign))}
        parts.progress("words", 0, len(briefs))
        model = parts.model() if any(brief.language in parts.model_languages for brief in briefs.values()) else None

        def written_so_far(count: int) -> None:
            self._own.check()
            parts.progress("words", count, len(briefs))

        written = write(
            briefs.values(),
            model,
            languages=parts.model_languages,
            settings=parts.content,
            progress=written_so_far,
        )
        self._own.check()
        artifact = copies.keep(
            parts.artifacts,
            run.run_id,
            written,
            settings=parts.content,
            model=model.identity if model else "",
            now=parts.clock(),
        )
        return dict(artifact.metrics)

    def enqueue(self) -> dict[str, Any]:
        """Put the messages into the outbox, some at a time, so that a pause does not wait for all of them.

        One that cannot be written ends with its reason; when none can, the template is to blame, and the run fails.
        """
        parts, (run, campaign) = self._parts, self._load()
        words, options = copies.read(copies.kept(parts.artifacts, run.run_id)), choice(parts, campaign)
        failures: dict[str, Exception] = {}

        def unwritten(message: Message, error: Exception) -> None:
            _log.warning("message %s cannot be written: %s", message.message_id, error)
            failures[message.message_id] = error

        briefs = self._briefs(run, campaign, options)
        messages = list(messages_of(parts, run, options, briefs, words, unwritten=unwritten))
        if failures and len(failures) == len(messages):
            raise next(iter(failures.values()))
        refused = {message_id: f"{type(error).__name__}: {error}" for message_id, error in failures.items()}
        for start in range(0, len(messages), _ENQUEUED_AT_ONCE):
            with self._own.transaction() as connection:
                some = messages[start : start + _ENQUEUED_AT_ONCE]
                outbox.enqueue(connection, some, now=run.moment, refused=refused)
        return {"messages": len(messages)}

    def deliver(self) -> dict[str, Any]:
        """Send what may be sent now or soon; the rest is left to a worker."""
        parts = self._parts
        with parts.database.reading() as connection:
            run = store.find(connection, self._run_id)
        send(parts, run, check=self._own.check)
        with parts.database.reading() as connection:
            return {"sent": 0, **outbox.counts(connection, run.run_id).states}

    def _briefs(self, run: Run, campaign: Campaign, options: Choice) -> Iterator[tuple[Decision, Row, Brief]]:
        parts, snapshot = self._parts, snapshot_of(self._parts, run)
        for batch in parts.decisions.read(run.run_id):
            rows = snapshot.table(PERSONAL, customer_ids=batch.customer_ids).to_pylist()
            profiles = {row["customer_id"]: row for row in rows}
            yield from briefs_of(parts, campaign, options, batch, profiles)

    def _load(self) -> tuple[Run, Campaign]:
        with self._parts.database.reading() as connection:
            return store.with_campaign(connection, self._run_id)


def moment_of(campaign: Campaign, asked: datetime | None, now: datetime) -> datetime:
    """The moment that a run is for: what was asked, else the campaign's start, else now."""
    from datetime import UTC

    found = asked or campaign.start or now
    return found if found.tzinfo else found.replace(tzinfo=UTC)
