"""What the assistant put before known customers, and what they ordered afterwards (intention to treat, as for messages)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from zhanggui.attribution.join import join
from zhanggui.conversation import store
from zhanggui.events.log import EventLog
from zhanggui.profiles.identity import resolve


@dataclass(frozen=True, kw_only=True)
class Impression:
    """One product, or one offer ("offer:ID"), that was put before a customer."""

    conversation_id: str
    number: int
    """Of the turn."""
    place: int
    """In the list, from 1."""
    customer_id: str
    shown: str
    propensity: float
    """Of the act that showed it."""
    at: datetime

    @property
    def impression_id(self) -> str:
        """Deterministic: one a turn and place."""
        return f"{self.conversation_id}:{self.number}:{self.place}"


@dataclass(frozen=True, kw_only=True)
class Attributed:
    """An impression, and what the customer ordered within the window after it."""

    impression: Impression
    orders: int
    revenue_minor: int
    mature: bool
    """Whether the window has closed."""


def logged(connection: sa.Connection, *, since: datetime) -> list[Impression]:
    """The impressions of known customers in conversations that had a turn since then."""
    return [
        Impression(
            conversation_id=conversation.conversation_id,
            number=turn.number,
            place=place,
            customer_id=conversation.customer_id,
            shown=shown,
            propensity=propensity,
            at=turn.at,
        )
        for conversation in store.since(connection, since)
        for turn in store.turns(connection, conversation.conversation_id)
        for place, (shown, propensity) in enumerate(turn.impressions, 1)
    ]


def attribute(log: EventLog, shown: Sequence[Impression], *, days: int, now: datetime) -> tuple[Attributed, ...]:
    """Each impression with what its customer ordered within `days` after it."""
    if not shown:
        return ()
    decisions = pa.table(
        {
            "decision_id": [impression.impression_id for impression in shown],
            "customer_id": [impression.customer_id for impression in shown],
            "arm": ["treated"] * len(shown),
            "intended_id": [impression.shown for impression in shown],
            "decided_at": pa.array([impression.at for impression in shown], pa.timestamp("us", tz="UTC")),
        }
    )
    with log.read() as events:
        with log.database.reading() as connection:
            resolution = resolve(connection)
        currency = log.settings.currency
        rewards = join(decisions, events, resolution, window_days=days, reward="conversion", now=now, currency=currency)
    by_id = {row["decision_id"]: row for row in rewards.to_pylist()}
    return tuple(
        Attributed(
            impression=impression,
            orders=by_id[impression.impression_id]["orders"],
            revenue_minor=by_id[impression.impression_id]["revenue_minor"],
            mature=by_id[impression.impression_id]["mature"],
        )
        for impression in shown
    )
