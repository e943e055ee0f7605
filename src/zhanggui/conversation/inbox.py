"""The inbox: conversations that a person is to answer, and whether the shop's own desk has been told. Sends nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from zhanggui.conversation.store import hand_overs

State = Literal["waiting", "answered", "closed"]
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=6)
_MOST_TRIES = 12


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """One conversation that was given to a person."""

    conversation_id: str
    number: int
    """Of the turn that gave it."""
    state: State
    asked_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    tries: int
    """To tell the shop's own desk of it."""


def ask(connection: sa.Connection, conversation_id: str, number: int, *, tell: bool, now: datetime) -> None:
    """Put a conversation into the inbox; with `tell`, the shop's own desk is to be told."""
    row = {"conversation_id": conversation_id, "number": number, "state": "waiting", "asked_at": now}
    row |= {"told": "due" if tell else "", "tries": 0, "due_at": now}
    connection.execute(sa.insert(hand_overs).values(row))


def listed(connection: sa.Connection, *, state: State | None = None, limit: int = 100) -> list[HandOver]:
    """What is in the inbox, longest waiting first; without `state`, all that is not closed."""
    wanted = hand_overs.c.state != "closed" if state is None else hand_overs.c.state == state
    query = sa.select(hand_overs).where(wanted).order_by(hand_overs.c.asked_at).limit(limit)
    return [_hand_over(row) for row in connection.execute(query)]


def answered(connection: sa.Connection, conversation_id: str, *, now: datetime) -> None:
    """A person has written in it."""
    _set(connection, conversation_id, ("waiting",), state="answered", answered_at=now)


def close(connection: sa.Connection, conversation_id: str, *, now: datetime) -> bool:
    """A person is through with it; False when nobody had it."""
    return _set(connection, conversation_id, ("waiting", "answered"), state="closed", closed_at=now) > 0


def claim_due(connection: sa.Connection, *, now: datetime, limit: int = 20) -> list[HandOver]:
    """What the shop's own desk is to be told of now; who asks has a while for it before another worker tries."""
    query = sa.select(hand_overs).where(hand_overs.c.told == "due", hand_overs.c.due_at <= now)
    rows = connection.execute(query.order_by(hand_overs.c.due_at).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        pause = min(_FIRST_PAUSE * 2**row.tries, _LONGEST_PAUSE)
        told = "given up" if row.tries + 1 >= _MOST_TRIES else "due"
        this = sa.and_(hand_overs.c.conversation_id == row.conversation_id, hand_overs.c.number == row.number)
        values = {"tries": row.tries + 1, "due_at": now + pause, "told": told}
        connection.execute(sa.update(hand_overs).where(this).values(values))
    return [_hand_over(row) for row in rows]


def told(connection: sa.Connection, hand_over: HandOver) -> None:
    """The shop's own desk has taken it."""
    this = sa.and_(hand_overs.c.conversation_id == hand_over.conversation_id, hand_overs.c.number == hand_over.number)
    connection.execute(sa.update(hand_overs).where(this).values(told="told"))


def _set(connection: sa.Connection, conversation_id: str, since: tuple[State, ...], **values: object) -> int:
    these = sa.and_(hand_overs.c.conversation_id == conversation_id, hand_overs.c.state.in_(since))
    return connection.execute(sa.update(hand_overs).where(these).values(values)).rowcount


def _hand_over(row: sa.Row[tuple[object, ...]]) -> HandOver:
    return HandOver(
        conversation_id=row.conversation_id,
        number=row.number,
        state=row.state,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        closed_at=row.closed_at,
        tries=row.tries,
    )
