"""Consent by channel and purpose, append-only, with its proof: when, how, which text. Forbids nothing by itself.

Law: 个人信息保护法 15-16 (withdrawn as easily as given), 广告法 43, GDPR 7(1). Marketing needs a consent;
personalisation is allowed until it is refused (算法推荐管理规定 17).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from zhanggui.errors import ConsentError
from zhanggui.storage.database import UtcTime, insert, metadata

ConsentPurpose = Literal["marketing", "personalisation"]
PURPOSES: tuple[ConsentPurpose, ...] = ("marketing", "personalisation")
ANY_CHANNEL = "*"
"""The channel of personalisation: it is refused as a whole."""
_CHUNK = 5_000
_SKEW = timedelta(hours=24)
"""How far a clock, or a time zone left out, may put a statement into the future."""
_EARLIEST_YEAR = 1990
_LONGEST = {"customer_id": 256, "channel": 63}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What no database keeps: NUL, and halves of characters, which JSON can name."""

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("purpose", sa.String(63), primary_key=True),
    sa.Column("at", UtcTime, primary_key=True),
    sa.Column("granted", sa.Boolean, primary_key=True),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcTime, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A consent given (`granted`) or withdrawn."""

    customer_id: str
    channel: str
    purpose: ConsentPurpose
    granted: bool
    at: datetime
    """When she said so."""
    how: str
    """Where and how: a form, a call, the link in a message."""
    text: str
    """The words that she agreed to."""


def check(consent: Consent, *, now: datetime) -> Consent:
    """The consent itself, if it is fit to be a proof at `now`. Raises ConsentError naming the field."""
    for name in ("customer_id", "channel", "how", "text"):
        if _UNSTORABLE.search(getattr(consent, name)):
            raise ConsentError("it has characters that are none", field=name, hint="NUL, or half of a surrogate pair")
    for name, longest in _LONGEST.items():
        if len(getattr(consent, name)) > longest:
            raise ConsentError(f"it is longer than {longest} characters", field=name)
    for name in ("customer_id", "channel", "how"):
        if not getattr(consent, name).strip():
            raise ConsentError("it is empty", field=name, hint="a consent is kept with when, how and which text")
    if consent.granted and not consent.text.strip():
        raise ConsentError("it is empty", field="text", hint="keep the words that the customer agreed to")
    if consent.purpose not in PURPOSES:
        raise ConsentError(f"{consent.purpose!r} is none of {', '.join(PURPOSES)}", field="purpose")
    if consent.purpose == "personalisation" and consent.channel != ANY_CHANNEL:
        raise ConsentError("personalisation is agreed to or refused as a whole", field="channel", hint='use "*"')
    if consent.at.tzinfo is None:
        raise ConsentError("it has no time zone", field="at", hint="such as 2026-01-31T12:00:00+08:00")
    if consent.at - now > _SKEW:
        raise ConsentError(
            f"{consent.at.isoformat()} is in the future", field="at", hint="the moment when the customer said so"
        )
    if consent.at.year < _EARLIEST_YEAR:
        raise ConsentError(
            f"{consent.at.isoformat()} is before {_EARLIEST_YEAR}", field="at", hint="the moment when she said so"
        )
    return consent


def record(connection: sa.Connection, changes: Sequence[Consent], *, now: datetime) -> int:
    """Append consents; returns how many changed what held before (a repeated one changes nothing).

    Raises ConsentError.
    """
    changed = 0
    for start in range(0, len(changes), _CHUNK):
        chunk = [check(one, now=now) for one in changes[start : start + _CHUNK]]
        keys = {(one.channel, one.purpose) for one in chunk}
        customer_ids = [one.customer_id for one in chunk]
        before = {key: _latest(connection, customer_ids, *key, at=now) for key in keys}
        rows = [
            {
                "customer_id": one.customer_id,
                "channel": one.channel,
                "purpose": one.purpose,
                "at": one.at,
                "granted": one.granted,
                "how": one.how,
                "text": one.text,
                "recorded_at": now,
            }
            for one in chunk
        ]
        connection.execute(insert(connection, consents).on_conflict_do_nothing(), rows)
        for key in keys:
            after = _latest(connection, customer_ids, *key, at=now)
            default = key[1] == "personalisation"
            changed += sum(before[key].get(who, default) != held for who, held in after.items())
    return changed


def granted(
    connection: sa.Connection, customer_ids: Sequence[str], channel: str, purpose: ConsentPurpose, *, at: datetime
) -> set[str]:
    """Who of these agrees at the moment `at`: the latest statement counts; of two at one time, the withdrawal.

    A consent dated later does not count yet. A withdrawal does: a clock that is fast must not cost a message too many.
    """
    if purpose == "personalisation":
        held = _latest(connection, customer_ids, ANY_CHANNEL, purpose, at=at)
        return {who for who in customer_ids if held.get(who, True)}
    return {who for who, agrees in _latest(connection, customer_ids, channel, purpose, at=at).items() if agrees}


def proof(
    connection: sa.Connection, customer_id: str, channel: str | None = None, purpose: ConsentPurpose | None = None
) -> list[Consent]:
    """Everything that a customer agreed to and withdrew, latest first."""
    query = sa.select(consents).where(consents.c.customer_id == customer_id)
    if channel is not None:
        query = query.where(consents.c.channel == channel)
    if purpose is not None:
        query = query.where(consents.c.purpose == purpose)
    query = query.order_by(consents.c.at.desc(), consents.c.granted)
    return [
        Consent(
            customer_id=row.customer_id,
            channel=row.channel,
            purpose=row.purpose,
            granted=row.granted,
            at=row.at,
            how=row.how,
            text=row.text,
        )
        for row in connection.execute(query)
    ]


def bases(connection: sa.Connection, customer_ids: Sequence[str], channel: str, *, at: datetime) -> dict[str, Consent]:
    """The latest marketing consent of each customer on a channel at the moment `at`: the basis that a message names."""
    found: dict[str, Consent] = {}
    for start in range(0, len(customer_ids), _CHUNK):
        rows = connection.execute(
            sa.select(consents)
            .where(
                consents.c.customer_id.in_(customer_ids[start : start + _CHUNK]),
                consents.c.channel == channel,
                consents.c.purpose == "marketing",
                consents.c.granted,
                consents.c.at <= at,
            )
            .order_by(consents.c.at)
        )
        found.update(
            (
                row.customer_id,
                Consent(
                    customer_id=row.customer_id,
                    channel=row.channel,
                    purpose=row.purpose,
                    granted=True,
                    at=row.at,
                    how=row.how,
                    text=row.text,
                ),
            )
            for row in rows
        )
    return found


def _latest(
    connection: sa.Connection, customer_ids: Sequence[str], channel: str, purpose: str, *, at: datetime
) -> dict[str, bool]:
    held: dict[str, bool] = {}
    # A clock that is fast must not put a consent behind the withdrawal that followed it.
    said = sa.case((consents.c.at > consents.c.recorded_at, consents.c.recorded_at), else_=consents.c.at)
    for start in range(0, len(customer_ids), _CHUNK):
        rows = connection.execute(
            sa.select(consents.c.customer_id, consents.c.granted)
            .where(
                consents.c.customer_id.in_(customer_ids[start : start + _CHUNK]),
                consents.c.channel == channel,
                consents.c.purpose == purpose,
                sa.or_(consents.c.at <= at, sa.not_(consents.c.granted)),
            )
            .order_by(said, consents.c.granted.desc())
        )
        held.update((row.customer_id, row.granted) for row in rows)
    return held
