"""Campaigns and their runs in SQL. A campaign is versioned: applying a changed file adds a version, never edits one.

Does not know how a run walks.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from zhanggui.campaigns.campaign import Campaign, check, to_data
from zhanggui.delivery.outbox import ENDED
from zhanggui.errors import NotFoundError
from zhanggui.storage.database import UtcTime, insert, metadata
from zhanggui.touches import flows

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("applied_at", UtcTime, nullable=False),
)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String(63), primary_key=True),
    sa.Column("campaign", sa.String(63), nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("moment", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("results", sa.Text, nullable=False),
    sa.Column("failure", sa.Text, nullable=False, server_default=""),
)
RunState = Literal["running", "waiting", "done", "failed", "paused", "cancelled"]
"""running: not at its end yet; waiting: walked, with messages that are not due yet."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One walk down the line. `results` holds what each finished step counted, by the step's name.

    `failure` says why its last walk failed; "" when it has not.
    """

    run_id: str
    campaign: str
    version: int
    moment: datetime
    started_at: datetime
    results: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def walked(self) -> bool:
        """Whether its last step is done, though messages may still be waiting."""
        return "deliver" in self.results

    def state(self, *, flow: flows.State | None, messages: Mapping[str, int]) -> RunState:
        """Where it stands, given the state of its flow and its messages by their state in the outbox."""
        if flow == "paused" or flow == "cancelled":
            return flow
        if self.failure:
            return "failed"
        if not self.walked:
            return "running"
        return "waiting" if any(count for name, count in messages.items() if name not in ENDED) else "done"


def apply(connection: sa.Connection, campaign: Campaign, *, now: datetime) -> int:
    """Store `campaign`; returns its version. The same definition again keeps the version that it has."""
    definition = json.dumps(to_data(campaign), ensure_ascii=False, sort_keys=True)
    last = connection.execute(
        sa.select(campaigns.c.version, campaigns.c.definition)
        .where(campaigns.c.name == campaign.name)
        .order_by(campaigns.c.version.desc())
        .limit(1)
    ).first()
    if last is not None and last.definition == definition:
        return int(last.version)
    version = 1 if last is None else int(last.version) + 1
    connection.execute(
        sa.insert(campaigns).values(name=campaign.name, version=version, definition=definition, applied_at=now)
    )
    return version


def get(connection: sa.Connection, name: str, version: int | None = None) -> tuple[Campaign, int]:
    """A campaign and its version (the latest unless named). Raises NotFoundError."""
    query = sa.select(campaigns).where(campaigns.c.name == name).order_by(campaigns.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(campaigns.c.version == version)
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"there is no campaign {name!r}; `zhanggui campaign list` shows what there is")
    return check(json.loads(row.definition), source=name), int(row.version)


def names(connection: sa.Connection) -> list[str]:
    """Every campaign's name, sorted."""
    return list(connection.execute(sa.select(campaigns.c.name).distinct().order_by(campaigns.c.name)).scalars())


def run_id_of(name: str, version: int, moment: datetime) -> str:
    """Deterministic: the same campaign version for the same moment is the same run."""
    digest = hashlib.sha256(f"{name}\x1f{version}\x1f{moment.isoformat()}".encode()).hexdigest()[:8]
    return f"{name[:40]}-{moment:%Y%m%d}-{digest}"


def begin(connection: sa.Connection, run: Run) -> Run:
    """Open a run and its flow, or return it as it stands when it had been opened before."""
    row = {
        "run_id": run.run_id,
        "campaign": run.campaign,
        "version": run.version,
        "moment": run.moment,
        "started_at": run.started_at,
        "results": "{}",
    }
    connection.execute(insert(connection, runs).values(row).on_conflict_do_nothing())
    flows.open(connection, run.run_id, kind="run", name=run.campaign, version=run.version)
    return find(connection, run.run_id)


def find(connection: sa.Connection, run_id: str) -> Run:
    """A run. Raises NotFoundError."""
    row = connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise NotFoundError(f"there is no run {run_id!r}; `zhanggui campaign list` shows what there is")
    return _run(row)


def with_campaign(connection: sa.Connection, run_id: str) -> tuple[Run, Campaign]:
    """A run, and its campaign as it was then. Raises NotFoundError."""
    run = find(connection, run_id)
    return run, get(connection, run.campaign, run.version)[0]


def runs_of(connection: sa.Connection, campaign: str) -> list[Run]:
    """The runs of a campaign, oldest first."""
    query = sa.select(runs).where(runs.c.campaign == campaign).order_by(runs.c.moment, runs.c.started_at)
    return [_run(row) for row in connection.execute(query)]


def unfinished(connection: sa.Connection) -> list[Run]:
    """Runs that have neither come to their end nor failed, and that nobody works or has stopped; oldest first."""
    unowned = [find(connection, flow.flow_id) for flow in flows.unowned(connection, kind="run")]
    return sorted((run for run in unowned if not run.walked and not run.failure), key=lambda run: run.started_at)


def keep(connection: sa.Connection, run_id: str, step: str, result: Any) -> None:
    """Write down that a step is done, and what it counted."""
    results = dict(find(connection, run_id).results) | {step: result}
    text = json.dumps(results, ensure_ascii=False)
    connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(results=text))


def fail(connection: sa.Connection, run_id: str, reason: str) -> None:
    """Write down why a run's walk failed; "" when it walks again."""
    connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(failure=reason))


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        campaign=row.campaign,
        version=row.version,
        moment=row.moment,
        started_at=row.started_at,
        results=json.loads(row.results),
        failure=row.failure,
    )
