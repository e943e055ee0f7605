"""Consent by channel and purpose, append-only, with its proof: when, how, which text. Forbids nothing by itself.

Law: 个人信息保护法 15-16 (withdrawn as easily as given), 广告法 43, GDPR 7(1). Marketing needs a consent;
personalisation is allowed until it is refused (算法推荐管理规定 17).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from zhanggui.errors import ConsentError
from zhanggui.profiles import identity
from zhanggui.profiles.address import CONTACT, normalise
from zhanggui.profiles.consent_table import consents
from zhanggui.storage.database import insert

ConsentPurpose = Literal["marketing", "personalisation"]
PURPOSES: tuple[ConsentPurpose, ...] = ("marketing", "personalisation")
ANY_CHANNEL = "*"
"""The channel of personalisation: it is refused as a whole."""
_MAIL = "email"
_CHUNK = 5_000
# A clock that is fast must not put a consent behind the withdrawal that followed it.
_SAID = sa.case((consents.c.at > consents.c.recorded_at, consents.c.recorded_at), else_=consents.c.at).label("said")
_STATEMENTS = {  # asked for every handful of messages, and so built once
    column: sa.select(consents, _SAID).where(
        consents.c[column].in_(sa.bindparam("wanted")),
        consents.c.channel == sa.bindparam("of_channel"),
        consents.c.purpose == sa.bindparam("of_purpose"),
        sa.or_(consents.c.at <= sa.bindparam("moment"), sa.not_(consents.c.granted)),
    )
    for column in ("customer_id", "address")
}
_SKEW = timedelta(hours=24)
"""How far a clock, or a time zone left out, may put a statement into the future."""
_EARLIEST_YEAR = 1990
_LONGEST = {"customer_id": 256, "channel": 63, "address": 512}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What no database keeps: NUL, and halves of characters, which JSON can name."""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A consent given (`granted`) or withdrawn."""

    customer_id: str
    channel: str
    purpose: ConsentPurpose
    granted: bool
    at: datetime
    """When the customer said so."""
    how: str
    """Where and how: a form, a call, the link in a message."""
    text: str
    """The words that the customer agreed to."""
    address: str = ""
    """The address that was named, if one was: a withdrawal there holds for everyone who is reached there."""


def check(consent: Consent, *, now: datetime) -> Consent:
    """The consent itself, if it is fit to be a proof at `now`. Raises ConsentError naming the field."""
    for name in ("customer_id", "channel", "how", "text", "address"):
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
            f"{consent.at.isoformat()} is before {_EARLIEST_YEAR}",
            field="at",
            hint="the moment when the customer said so",
        )
    return consent


def record(connection: sa.Connection, changes: Sequence[Consent], *, now: datetime) -> int:
    """Append consents; returns for how many customers they changed what held before (a repeated one changes nothing).

    A withdrawal that names no address holds at the one where the customer is reached now. Raises ConsentError.
    """
    changed = 0
    for start in range(0, len(changes), _CHUNK):
        chunk = [check(one, now=now) for one in changes[start : start + _CHUNK]]
        keys = {(one.channel, one.purpose) for one in chunk}
        customer_ids = sorted({one.customer_id for one in chunk})
        before = {key: _agreed(connection, customer_ids, *key, at=now) for key in keys}
        reached = {
            channel: identity.addresses(connection, customer_ids, channel) for channel in {one.channel for one in chunk}
        }
        rows = [
            {
                "customer_id": one.customer_id,
                "channel": one.channel,
                "purpose": one.purpose,
                "at": one.at,
                "granted": one.granted,
                "address": _named(one, reached[one.channel].get(one.customer_id, "")),
                "how": one.how,
                "text": one.text,
                "recorded_at": now,
            }
            for one in chunk
        ]
        connection.execute(insert(connection, consents).on_conflict_do_nothing(), rows)
        changed += sum(len(before[key] ^ _agreed(connection, customer_ids, *key, at=now)) for key in keys)
    return changed


def granted(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    channel: str,
    purpose: ConsentPurpose,
    *,
    at: datetime,
    addresses: Mapping[str, str] | None = None,
) -> set[str]:
    """Who of these agrees at the moment `at`: the person's latest statement counts, under whichever id it was made; of two at
    one time, the withdrawal.

    With `addresses` (customer -> address on the channel) a withdrawal there holds for everyone there, until a later grant
    that names the address. A consent dated later does not count yet. A withdrawal does: a clock that is fast must not cost a
    message too many.
    """
    if purpose == "personalisation":
        return _agreed(connection, customer_ids, ANY_CHANNEL, purpose, at=at)
    agreed = _agreed(connection, customer_ids, channel, purpose, at=at, addresses=addresses)
    reached = {one: normalise(channel, address) for one, address in (addresses or {}).items() if one in agreed}
    closed = _closed(connection, reached, channel, purpose, at=at)
    return agreed - closed


def proof(
    connection: sa.Connection, customer_id: str, channel: str | None = None, purpose: ConsentPurpose | None = None
) -> list[Consent]:
    """Everything that a person agreed to and withdrew, under any id, latest first."""
    owner = identity.persons_of(connection, [customer_id])[customer_id]
    query = sa.select(consents).where(consents.c.customer_id.in_(identity.members_of(connection, [owner])[owner]))
    if channel is not None:
        query = query.where(consents.c.channel == channel)
    if purpose is not None:
        query = query.where(consents.c.purpose == purpose)
    query = query.order_by(consents.c.at.desc(), consents.c.granted, consents.c.customer_id, consents.c.address)
    return [_consent(row) for row in connection.execute(query)]


def bases(connection: sa.Connection, customer_ids: Sequence[str], channel: str, *, at: datetime) -> dict[str, Consent]:
    """The latest marketing consent of each person on a channel at the moment `at`: the basis that a message names."""
    voices = _voices(connection, customer_ids)
    found: dict[str, Consent] = {}
    for row in _statements(connection, voices.own, channel, "marketing", at=at):
        if row.granted:
            found.update((customer_id, _consent(row)) for customer_id in voices.own[row.customer_id])
    return found


def _consent(row: Any) -> Consent:
    return Consent(
        customer_id=row.customer_id,
        channel=row.channel,
        purpose=row.purpose,
        granted=row.granted,
        at=row.at,
        how=row.how,
        text=row.text,
        address=row.address,
    )


def _named(consent: Consent, reached: str) -> str:
    """The address that a statement holds at, as it is compared."""
    if consent.address.strip():
        return normalise(consent.channel, consent.address)
    if consent.channel == _MAIL and consent.customer_id.startswith(CONTACT):
        return consent.customer_id.removeprefix(CONTACT)
    return "" if consent.granted else normalise(consent.channel, reached)


@dataclass(frozen=True, kw_only=True)
class _Voices:
    """Whose statements count for which of the customers asked for, by the id that they were made under."""

    own: Mapping[str, set[str]]
    """Ids of the person, and devices that are known to be the person's alone."""
    shared: Mapping[str, set[str]]
    """Devices of several persons: a withdrawal there follows each of them, a grant none."""

    def of(self, row: Any) -> set[str]:
        """The customers that a statement counts for."""
        own = self.own.get(row.customer_id, set())
        return own if row.granted else own | self.shared.get(row.customer_id, set())


def _voices(connection: sa.Connection, customer_ids: Iterable[str]) -> _Voices:
    owners = identity.persons_of(connection, customer_ids)
    asked: dict[str, set[str]] = defaultdict(set)
    for customer_id, owner in owners.items():
        asked[owner].add(customer_id)
    members = identity.members_of(connection, asked)
    own: dict[str, set[str]] = {one: set(asked[owner]) for owner, ids in members.items() for one in ids}
    shared: dict[str, set[str]] = defaultdict(set)
    for device, known in identity.device_owners(connection, list(own)).items():
        trusted = {owner for owner, is_trusted in known.items() if is_trusted}
        if len(trusted) > 1:
            shared[device] |= own.pop(device, set())
        for owner in known:
            spoken_for = own if trusted == {owner} else shared
            spoken_for.setdefault(device, set()).update(asked.get(owner, ()))
    return _Voices(own=own, shared=shared)


def _agreed(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    channel: str,
    purpose: ConsentPurpose,
    *,
    at: datetime,
    addresses: Mapping[str, str] | None = None,
) -> set[str]:
    """Who agrees by the latest statement of the person, wherever that is reached."""
    voices = _voices(connection, customer_ids)
    held: dict[str, bool] = {}
    for row in _statements(connection, {*voices.own, *voices.shared}, channel, purpose, at=at):
        spoken_for = voices.of(row)
        if row.granted and channel == _MAIL and row.customer_id.startswith(CONTACT):
            spoken_for = _reached_there(connection, row.customer_id, spoken_for, addresses)
        held.update(dict.fromkeys(spoken_for, row.granted))
    return {one for one in customer_ids if held.get(one, purpose == "personalisation")}


def _reached_there(
    connection: sa.Connection, contact: str, customer_ids: set[str], addresses: Mapping[str, str] | None
) -> set[str]:
    """Of the customers that a contact turned out to be, those who are reached at the contact's mailbox: it agreed to that."""
    reached = addresses if addresses is not None else identity.addresses(connection, sorted(customer_ids), _MAIL)
    mailbox = contact.removeprefix(CONTACT)
    return {one for one in customer_ids if one == contact or normalise(_MAIL, reached.get(one, "")) == mailbox}


def _closed(
    connection: sa.Connection, reached: Mapping[str, str], channel: str, purpose: str, *, at: datetime
) -> set[str]:
    """The customers at whose address (normalised) somebody else withdrew, and nobody agreed since naming the address."""
    if not reached:
        return set()
    there = identity.persons_at(connection, channel, set(reached.values()))
    members = identity.members_of(connection, {one for known in there.values() for one in known if len(known) > 1})
    places: dict[str, set[str]] = defaultdict(set)  # of withdrawals that name no address: where their person is reached
    for address, known in there.items():
        for owner in known:
            for one in members.get(owner, ()):
                places[one].add(address)
    said = [
        *_statements(connection, set(reached.values()), channel, purpose, at=at, column="address"),
        *(row for row in _statements(connection, places, channel, purpose, at=at) if not (row.address or row.granted)),
    ]
    owners = identity.persons_of(connection, {*reached, *(row.customer_id for row in said)})
    withdrawn: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    agreed: dict[str, datetime] = {}
    for row in said:
        for address in {row.address} if row.address else places[row.customer_id]:
            if row.granted:
                agreed[address] = max(agreed.get(address, row.said), row.said)
            else:
                withdrawn[address].append((row.said, owners[row.customer_id]))
    return {
        one
        for one, address in reached.items()
        if any(
            owner != owners[one] and (address not in agreed or moment >= agreed[address])
            for moment, owner in withdrawn[address]
        )
    }


def _statements(
    connection: sa.Connection,
    wanted: Iterable[str],
    channel: str,
    purpose: str,
    *,
    at: datetime,
    column: Literal["customer_id", "address"] = "customer_id",
) -> list[Any]:
    """What was said under these ids (or at these addresses) on a channel and counts at the moment `at`, in the order in which
    it was said (`said`); of two at one time the withdrawal is the last.
    """
    rows: list[Any] = []
    for chunk in _chunks(wanted):
        asked = {"wanted": chunk, "of_channel": channel, "of_purpose": purpose, "moment": at}
        rows += connection.execute(_STATEMENTS[column], asked)
    return sorted(rows, key=lambda row: (row.said, not row.granted, row.customer_id))


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    todo = list(values)
    for start in range(0, len(todo), _CHUNK):
        yield todo[start : start + _CHUNK]
