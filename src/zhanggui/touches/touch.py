"""The touch: one moment at which one person may be contacted, by (customer, flow, entry, step). Owns its table.

A row stands for a touch that may lead to a message; silence and holdouts are none. Knows no channel and no word.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, insert, metadata

Purpose = Literal["marketing", "reply", "service"]
"""marketing: needs a consent, keeps hours and caps. reply: answers a customer who has just spoken. service: of an order."""
State = Literal["open", "sent", "ended"]

touches = sa.Table(
    "touches",
    metadata,
    sa.Column("touch_id", sa.String(40), primary_key=True),
    sa.Column("customer_id", sa.String(256), nullable=False),
    sa.Column("flow", sa.String(63), nullable=False),
    sa.Column("entry", sa.String(256), nullable=False),
    sa.Column("step", sa.String(63), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.UniqueConstraint("customer_id", "flow", "entry", "step"),
)
RUN_ENTRY, RUN_STEP = "run", "message"
"""A campaign's run is a flow that everybody enters once, with one step."""
_CHUNK = 1_000
# Asked for every message, and so built once.
_STANDINGS = sa.select(touches.c.touch_id, touches.c.state, touches.c.reason).where(
    touches.c.touch_id.in_(sa.bindparam("touch_ids"))
)
_SENT = (
    sa.update(touches)
    .where(touches.c.touch_id == sa.bindparam("of_touch"), touches.c.state.in_(("open", "ended")))
    .values(state="sent", reason="", at=sa.bindparam("moment"))
)


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One moment at which one person may be contacted, as it was planned."""

    customer_id: str
    """As planned; the person is looked up when it is to leave."""
    flow: str
    entry: str = RUN_ENTRY
    """The flow's own word for how the person came in: the trigger's messageId or moment."""
    step: str = RUN_STEP
    """The step's name, never its number."""
    purpose: Purpose = "marketing"

    @property
    def touch_id(self) -> str:
        """Deterministic in customer, flow, entry and step."""
        return touch_id(self.customer_id, self.flow, self.entry, self.step)

    def others(self, members: Iterable[str]) -> list[str]:
        """The touches of the same flow, entry and step under other ids of the person."""
        return [touch_id(one, self.flow, self.entry, self.step) for one in members if one != self.customer_id]

    def shares_step(self, customer_id: str, other: str) -> bool:
        """Whether the touch `other` of a customer is another one of the same flow, entry and step."""
        return other != self.touch_id and other == touch_id(customer_id, self.flow, self.entry, self.step)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a touch stands, and why it ended."""

    state: State
    reason: str


def touch_id(customer_id: str, flow: str, entry: str = RUN_ENTRY, step: str = RUN_STEP) -> str:
    """Deterministic: one touch a customer, flow, entry and step."""
    return hashlib.sha256("\x1f".join((customer_id, flow, entry, step)).encode()).hexdigest()[:40]


def plan(connection: sa.Connection, planned: Sequence[Touch], *, now: datetime) -> None:
    """Write touches down as open; one that is known already stays as it is."""
    for start in range(0, len(planned), _CHUNK):
        rows = [
            {
                "touch_id": touch.touch_id,
                "customer_id": touch.customer_id,
                "flow": touch.flow,
                "entry": touch.entry,
                "step": touch.step,
                "purpose": touch.purpose,
                "state": "open",
                "reason": "",
                "at": now,
            }
            for touch in planned[start : start + _CHUNK]
        ]
        connection.execute(insert(connection, touches).on_conflict_do_nothing(), rows)


def standings(connection: sa.Connection, touch_ids: Sequence[str]) -> dict[str, Standing]:
    """Where touches stand, by id; those that were never planned are left out."""
    rows = connection.execute(_STANDINGS, {"touch_ids": touch_ids})
    return {row.touch_id: Standing(state=row.state, reason=row.reason) for row in rows}


def standing(connection: sa.Connection, touch_id: str) -> Standing | None:
    """Where a touch stands; None for one that was never planned."""
    return standings(connection, [touch_id]).get(touch_id)


def sent(connection: sa.Connection, touch_id: str, *, at: datetime) -> None:
    """The other side took its message. That wins over everything."""
    connection.execute(_SENT, {"of_touch": touch_id, "moment": at})


def end(connection: sa.Connection, touch_ids: Iterable[str], reason: str, *, at: datetime) -> int:
    """End open touches without a message; returns how many were open."""
    return _set(connection, list(touch_ids), ("open",), state="ended", reason=reason, at=at)


def reopen(connection: sa.Connection, touch_ids: Iterable[str], *, at: datetime) -> int:
    """Let ended touches be tried again; returns how many had ended."""
    return _set(connection, list(touch_ids), ("ended",), state="open", reason="", at=at)


def outbid(connection: sa.Connection, losers: Iterable[str], *, winner: str, at: datetime) -> int:
    """End the touches that lost a decision point to the touch `winner`; returns how many were open."""
    return end(connection, losers, f"outbid:{winner}", at=at)


def _set(
    connection: sa.Connection,
    touch_ids: Sequence[str],
    since: tuple[State, ...],
    *,
    state: State,
    reason: str,
    at: datetime,
) -> int:
    changed = 0
    for start in range(0, len(touch_ids), _CHUNK):
        chosen = touches.c.touch_id.in_(touch_ids[start : start + _CHUNK])
        update = sa.update(touches).where(chosen, touches.c.state.in_(since))
        changed += connection.execute(update.values(state=state, reason=reason[:500], at=at)).rowcount
    return changed
