"""Flows: a campaign's run, a journey or a conversation. Whether it runs, and who works it. Knows not what it does.

Ownership is a term: (owner, moment issued by the database). Renewing, resigning and recording name the term, so that a
late one touches nobody else's.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from zhanggui.errors import NotFoundError
from zhanggui.storage import database
from zhanggui.storage.database import UtcTime, insert, metadata

Kind = Literal["run", "journey", "conversation"]
State = Literal["running", "paused", "cancelled", "done"]
Issue = Callable[[sa.Connection], datetime]
"""Issues a moment for a transaction; `database.now`, but for tests."""

flows = sa.Table(
    "flows",
    metadata,
    sa.Column("flow_id", sa.String(63), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("owner", sa.String(63)),
    sa.Column("owner_term", UtcTime),
    sa.Column("owner_until", UtcTime),
    sa.Column("policy_rejects", sa.Integer, nullable=False),
    sa.Index("ix_flows_state", "state", "kind"),
)
_TICK = timedelta(microseconds=1)
# Asked for every message, and so built once.
_STATE = sa.select(flows.c.state).where(flows.c.flow_id == sa.bindparam("flow_id"))
_FORGIVE = (
    sa.update(flows)
    .where(flows.c.flow_id == sa.bindparam("of_flow"), flows.c.policy_rejects > 0)
    .values(policy_rejects=0)
)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One flow as it stands."""

    flow_id: str
    kind: Kind
    name: str
    """Of the campaign or journey that it is a walk of."""
    version: int
    state: State
    reason: str
    """Why it was paused or cancelled; "" while it runs."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """That `owner` works a flow, from a moment that the database issued."""

    flow_id: str
    owner: str
    since: datetime


def open(connection: sa.Connection, flow_id: str, *, kind: Kind, name: str, version: int) -> Flow:
    """Open a flow, or return it as it stands when it had been opened before."""
    row = {"flow_id": flow_id, "kind": kind, "name": name, "version": version}
    row |= {"state": "running", "reason": "", "policy_rejects": 0}
    connection.execute(insert(connection, flows).values(row).on_conflict_do_nothing())
    return get(connection, flow_id)


def revise(connection: sa.Connection, flow_id: str, version: int) -> None:
    """From now on a flow is a walk of this version."""
    connection.execute(sa.update(flows).where(flows.c.flow_id == flow_id).values(version=version))


def get(connection: sa.Connection, flow_id: str) -> Flow:
    """A flow. Raises NotFoundError."""
    row = connection.execute(sa.select(flows).where(flows.c.flow_id == flow_id)).first()
    if row is None:
        raise NotFoundError(f"there is no run or flow {flow_id!r}; `zhanggui campaign list` shows what there is")
    return _flow(row)


def state(connection: sa.Connection, flow_id: str) -> State | None:
    """Whether a flow runs; None for one that nobody has opened, which nobody can have stopped either."""
    return connection.execute(_STATE, {"flow_id": flow_id}).scalar()


def listed(connection: sa.Connection, *, kind: Kind, state: State) -> list[Flow]:
    """The flows of a kind in a state, by id."""
    query = sa.select(flows).where(flows.c.kind == kind, flows.c.state == state).order_by(flows.c.flow_id)
    return [_flow(row) for row in connection.execute(query)]


def named(connection: sa.Connection, flow_ids: Collection[str]) -> list[Flow]:
    """Those of these flows that there are, by id."""
    query = sa.select(flows).where(flows.c.flow_id.in_(flow_ids)).order_by(flows.c.flow_id)
    return [_flow(row) for row in connection.execute(query)]


def unowned(connection: sa.Connection, *, kind: Kind, issue: Issue = database.now) -> list[Flow]:
    """The running flows of a kind that nobody works, by id."""
    nobody = sa.or_(flows.c.owner.is_(None), flows.c.owner_until <= issue(connection))
    query = sa.select(flows).where(flows.c.kind == kind, flows.c.state == "running", nobody)
    return [_flow(row) for row in connection.execute(query.order_by(flows.c.flow_id))]


def halted() -> sa.Select[tuple[str]]:
    """The ids of flows of which nothing may leave, to be used inside a query."""
    return sa.select(flows.c.flow_id).where(flows.c.state.in_(("paused", "cancelled")))


def pause(connection: sa.Connection, flow_id: str, reason: str = "") -> bool:
    """Let nothing new begin until it is resumed. False when it was not running."""
    return _change(connection, flow_id, ("running",), state="paused", reason=reason[:500])


def resume(connection: sa.Connection, flow_id: str) -> bool:
    """Let a paused flow go on, its policy rejects forgiven. False when it was not paused."""
    return _change(connection, flow_id, ("paused",), state="running", reason="", policy_rejects=0)


def cancel(connection: sa.Connection, flow_id: str, reason: str = "") -> bool:
    """Let nothing begin any more, ever. False when it had ended."""
    return _change(connection, flow_id, ("running", "paused"), state="cancelled", reason=reason[:500])


def finish(connection: sa.Connection, flow_id: str) -> bool:
    """All is done. False when it was not running: what was paused or cancelled meanwhile stays so."""
    return _change(connection, flow_id, ("running",), state="done")


def reopen(connection: sa.Connection, flow_id: str) -> bool:
    """There is something to do again. False when it was not done."""
    return _change(connection, flow_id, ("done",), state="running")


def rejected(connection: sa.Connection, flow_id: str) -> int:
    """Count a reject that is the shop's own fault; how many there are now without an acceptance between."""
    counted = sa.update(flows).where(flows.c.flow_id == flow_id).values(policy_rejects=flows.c.policy_rejects + 1)
    return connection.execute(counted.returning(flows.c.policy_rejects)).scalar() or 0


def accepted(connection: sa.Connection, flow_id: str) -> None:
    """An acceptance ends the row of policy rejects."""
    connection.execute(_FORGIVE, {"of_flow": flow_id})


def acquire(
    connection: sa.Connection, flow_id: str, owner: str, *, ttl: timedelta, issue: Issue = database.now
) -> Term | None:
    """Begin a term of `ttl`; None when the flow is not running, or while another term lasts.

    A flow's terms begin at moments that differ, also where the database's clock was set back.
    """
    query = sa.select(flows).where(flows.c.flow_id == flow_id).with_for_update()
    row = connection.execute(query).first()
    moment = issue(connection)
    if row is None or row.state != "running" or (row.owner is not None and row.owner_until > moment):
        return None
    since = moment if row.owner_term is None else max(moment, row.owner_term + _TICK)
    values = {"owner": owner, "owner_term": since, "owner_until": moment + ttl}
    connection.execute(sa.update(flows).where(flows.c.flow_id == flow_id).values(values))
    return Term(flow_id=flow_id, owner=owner, since=since)


def renew(connection: sa.Connection, term: Term, *, ttl: timedelta, issue: Issue = database.now) -> bool:
    """Make a term last for `ttl` from now. False when it is over, whether or not somebody else has begun one."""
    moment = issue(connection)
    lasting = sa.update(flows).where(_of(term), flows.c.owner_until > moment)
    return connection.execute(lasting.values(owner_until=moment + ttl)).rowcount == 1


def lasts(connection: sa.Connection, term: Term, *, lock: bool = False, issue: Issue = database.now) -> bool:
    """Whether a term lasts and its flow runs; with `lock`, neither changes until the transaction ends."""
    query = sa.select(flows).where(_of(term))
    row = connection.execute(query.with_for_update() if lock else query).first()
    return row is not None and row.state == "running" and row.owner_until > issue(connection)


def resign(connection: sa.Connection, term: Term) -> None:
    """End a term, so that another may begin at once. One that is over already changes nothing."""
    connection.execute(sa.update(flows).where(_of(term)).values(owner=None, owner_until=None))


def _of(term: Term) -> sa.ColumnElement[bool]:
    return sa.and_(flows.c.flow_id == term.flow_id, flows.c.owner == term.owner, flows.c.owner_term == term.since)


def _change(connection: sa.Connection, flow_id: str, since: tuple[State, ...], **values: Any) -> bool:
    """Change a flow that is in one of the states `since`; whether it was."""
    standing = sa.and_(flows.c.flow_id == flow_id, flows.c.state.in_(since))
    return connection.execute(sa.update(flows).where(standing).values(values)).rowcount == 1


def _flow(row: sa.Row[Any]) -> Flow:
    return Flow(
        flow_id=row.flow_id,
        kind=row.kind,
        name=row.name,
        version=row.version,
        state=row.state,
        reason=row.reason,
    )
