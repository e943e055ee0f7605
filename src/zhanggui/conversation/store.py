"""Conversations in SQL, by turn: a turn is written whole or not at all, and once for each key and number.

Knows no assistant: what a turn changed comes as changes, from which the state is rebuilt.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from zhanggui.catalog.product import Language
from zhanggui.conversation.state import BeliefState, Change, apply, from_json, to_json
from zhanggui.errors import NotFoundError
from zhanggui.storage.database import UtcTime, metadata

Author = Literal["assistant", "person"]
LONGEST_KEY = 128

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("conversation_id", sa.String(40), primary_key=True),
    sa.Column("visitor_id", sa.String(64), nullable=False),
    sa.Column("customer_id", sa.String(256), nullable=False, index=True),
    sa.Column("door", sa.String(16), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("seed", sa.String(32), nullable=False),
    sa.Column("turns", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("last_at", UtcTime, nullable=False, index=True),
)
conversation_turns = sa.Table(
    "conversation_turns",
    metadata,
    sa.Column("conversation_id", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(LONGEST_KEY), nullable=False),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("heard", sa.Text, nullable=False),
    sa.Column("changes", sa.Text, nullable=False),
    sa.Column("acts", sa.Text, nullable=False),
    sa.Column("impressions", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.UniqueConstraint("conversation_id", "key"),
)
hand_overs = sa.Table(
    "hand_overs",
    metadata,
    sa.Column("conversation_id", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("answered_at", UtcTime),
    sa.Column("closed_at", UtcTime),
    sa.Column("told", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Index("ix_hand_overs_state", "state", "asked_at"),
    sa.Index("ix_hand_overs_told", "told", "due_at"),
)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation as it stands."""

    conversation_id: str
    visitor_id: str
    customer_id: str
    """Whom a visitor token named; "" for an unknown visitor."""
    door: str
    language: Language
    """Until the shopper's own words tell another."""
    seed: str
    """Chooses among wordings."""
    turns: int
    started_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn: what was said and answered, and what it changed."""

    number: int
    key: str
    author: Author = "assistant"
    said: str = ""
    heard: Mapping[str, Any]
    changes: tuple[Change, ...]
    acts: tuple[Mapping[str, Any], ...]
    impressions: tuple[tuple[str, float], ...] = ()
    answer: str
    at: datetime


def start(
    connection: sa.Connection,
    *,
    visitor_id: str,
    customer_id: str,
    door: str,
    language: Language,
    seed: str,
    now: datetime,
) -> Conversation:
    """Begin a conversation; its id is a secret of the two who hold it."""
    conversation = Conversation(
        conversation_id=secrets.token_urlsafe(24),
        visitor_id=visitor_id[:64],
        customer_id=customer_id,
        door=door,
        language=language,
        seed=seed or secrets.token_hex(8),
        turns=0,
        started_at=now,
        last_at=now,
    )
    connection.execute(sa.insert(conversations).values(vars(conversation)))
    return conversation


def get(connection: sa.Connection, conversation_id: str) -> Conversation:
    """A conversation. Raises NotFoundError."""
    query = sa.select(conversations).where(conversations.c.conversation_id == conversation_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError("there is no such conversation; it was erased, or its time has passed")
    return Conversation(**row)


def turns(connection: sa.Connection, conversation_id: str) -> list[Turn]:
    """Its turns, in order."""
    query = sa.select(conversation_turns).where(conversation_turns.c.conversation_id == conversation_id)
    return [_turn(row) for row in connection.execute(query.order_by(conversation_turns.c.number)).mappings()]


def turn_of_key(connection: sa.Connection, conversation_id: str, key: str) -> Turn | None:
    """The turn that was answered for this key, if there is one."""
    query = sa.select(conversation_turns).where(
        conversation_turns.c.conversation_id == conversation_id, conversation_turns.c.key == key
    )
    row = connection.execute(query).mappings().first()
    return _turn(row) if row else None


def state(connection: sa.Connection, conversation: Conversation) -> BeliefState:
    """The state of a conversation, rebuilt from the changes of its turns."""
    of_it = conversation_turns.c.conversation_id == conversation.conversation_id
    query = sa.select(conversation_turns.c.changes).where(of_it)
    rebuilt = BeliefState(language=conversation.language)
    for changes in connection.scalars(query.order_by(conversation_turns.c.number)):
        rebuilt = apply(rebuilt, from_json(json.loads(changes)))
    return rebuilt


def add(connection: sa.Connection, conversation_id: str, turn: Turn) -> bool:
    """Write the next turn down. False when another one has that number, or the key: nothing was written."""
    follows = sa.and_(conversations.c.conversation_id == conversation_id, conversations.c.turns == turn.number - 1)
    moved = sa.update(conversations).where(follows).values(turns=turn.number, last_at=turn.at)
    if connection.execute(moved).rowcount != 1:
        return False
    row = {
        "conversation_id": conversation_id,
        "number": turn.number,
        "key": turn.key,
        "author": turn.author,
        "said": turn.said,
        "heard": json.dumps(turn.heard, ensure_ascii=False),
        "changes": json.dumps(to_json(turn.changes), ensure_ascii=False),
        "acts": json.dumps(turn.acts, ensure_ascii=False),
        "impressions": json.dumps(turn.impressions),
        "answer": turn.answer,
        "at": turn.at,
    }
    connection.execute(sa.insert(conversation_turns).values(row))
    return True


def of_customers(connection: sa.Connection, customer_ids: Sequence[str]) -> list[Conversation]:
    """The conversations of these ids, oldest first."""
    query = sa.select(conversations).where(conversations.c.customer_id.in_(customer_ids))
    rows = connection.execute(query.order_by(conversations.c.started_at)).mappings()
    return [Conversation(**row) for row in rows]


def since(connection: sa.Connection, moment: datetime) -> list[Conversation]:
    """The conversations of known customers that had a turn since then."""
    query = sa.select(conversations).where(conversations.c.last_at >= moment, conversations.c.customer_id != "")
    return [Conversation(**row) for row in connection.execute(query).mappings()]


def delete(connection: sa.Connection, conversation_ids: Sequence[str]) -> int:
    """Delete conversations with all their turns; returns how many there were."""
    for table in (hand_overs, conversation_turns):
        connection.execute(sa.delete(table).where(table.c.conversation_id.in_(conversation_ids)))
    gone = sa.delete(conversations).where(conversations.c.conversation_id.in_(conversation_ids))
    return connection.execute(gone).rowcount


def older(connection: sa.Connection, moment: datetime, *, limit: int) -> list[str]:
    """Some conversations whose last turn was before then."""
    query = sa.select(conversations.c.conversation_id).where(conversations.c.last_at < moment).limit(limit)
    return list(connection.scalars(query))


def _turn(row: sa.RowMapping) -> Turn:
    return Turn(
        number=row["number"],
        key=row["key"],
        author=row["author"],
        said=row["said"],
        heard=json.loads(row["heard"]),
        changes=tuple(from_json(json.loads(row["changes"]))),
        acts=tuple(json.loads(row["acts"])),
        impressions=tuple((name, propensity) for name, propensity in json.loads(row["impressions"])),
        answer=row["answer"],
        at=row["at"],
    )
