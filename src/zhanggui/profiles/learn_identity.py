"""What events say of who is who: aliases, who is known on a device, addresses. Pure; `identity` keeps it.

A public key may say who is known on a device, and nothing else of two ids: its alias is a link of that device.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zhanggui.events.event import Event
from zhanggui.profiles.address import contact_id

_ADDRESS_TRAITS = {"email": "email", "phone": "sms", "webhook": "webhook"}
"""Which trait of an `identify` is an address on which channel."""
_LONGEST = 512
_MOST_DIGITS = 10**15  # of a telephone number (E.164)
_NO_ADDRESS = frozenset({"", "undefined", "null", "none", "nan", "[object object]"})


@dataclass(frozen=True, kw_only=True)
class Alias:
    """`from_id` is `to_id` from now on."""

    from_id: str
    to_id: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class DeviceLink:
    """A customer was known on a device."""

    anonymous_id: str
    since: datetime
    customer_id: str
    trusted: bool


@dataclass(frozen=True, kw_only=True)
class Address:
    """A customer gave an address, or took it back (then it is empty)."""

    customer_id: str
    channel: str
    address: str
    since: datetime
    trusted: bool


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What events said about identity, each in the order of event time."""

    aliases: Sequence[Alias] = ()
    links: Sequence[DeviceLink] = ()
    addresses: Sequence[Address] = ()


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What of an event bears on identity."""

    at: datetime
    type: str
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    traits: Mapping[str, Any]
    trusted: bool


def learn(events: Iterable[Event]) -> Learned:
    """Read aliases, device links and addresses out of events of any type."""
    return _learn(
        _Said(
            at=event.timestamp,
            type=event.type,
            user_id=event.user_id,
            anonymous_id=event.anonymous_id,
            previous_id=event.previous_id,
            traits=event.traits,
            trusted=event.trust != "write",
        )
        for event in events
    )


def learn_rows(rows: Iterable[Mapping[str, Any]]) -> Learned:
    """Like `learn`, from rows of the event log (LOG_SCHEMA)."""
    return _learn(
        _Said(
            at=row["timestamp"],
            type=row["type"],
            user_id=row["user_id"],
            anonymous_id=row["anonymous_id"],
            previous_id=row["previous_id"],
            traits=(json.loads(row["body"]).get("traits") or {}) if row["type"] == "identify" else {},
            trusted=row["trust"] != "write",
        )
        for row in rows
    )


def _learn(statements: Iterable[_Said]) -> Learned:
    aliases: list[Alias] = []
    links: list[DeviceLink] = []
    addresses: list[Address] = []
    for said in sorted(statements, key=lambda said: said.at):
        customer_id = said.user_id
        if customer_id is None and said.type == "identify":
            email = said.traits.get("email")
            customer_id = contact_id(email) if isinstance(email, str) else None
        if customer_id is None:
            continue
        if said.previous_id and said.previous_id != customer_id:
            if said.trusted:
                aliases.append(Alias(from_id=said.previous_id, to_id=customer_id, since=said.at))
            else:
                links.append(_link(said, said.previous_id, customer_id))
        if said.anonymous_id and said.anonymous_id != customer_id:
            links.append(_link(said, said.anonymous_id, customer_id))
        if said.type == "identify":
            addresses.extend(_addresses(said, customer_id))
    return Learned(aliases=aliases, links=links, addresses=addresses)


def _link(said: _Said, anonymous_id: str, customer_id: str) -> DeviceLink:
    return DeviceLink(anonymous_id=anonymous_id, since=said.at, customer_id=customer_id, trusted=said.trusted)


def _addresses(said: _Said, customer_id: str) -> Iterable[Address]:
    for trait, channel in _ADDRESS_TRAITS.items():
        if trait not in said.traits:
            continue
        address = "" if said.traits[trait] is None else _text(said.traits[trait])
        if address is not None:
            yield Address(
                customer_id=customer_id, channel=channel, address=address, since=said.at, trusted=said.trusted
            )


def _text(value: Any) -> str | None:
    """An address as text (numbers without quotes are telephone numbers); None for what is no address."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int and 0 < value < _MOST_DIGITS:
        value = str(value)
    if not isinstance(value, str) or not value.isprintable() or len(value.strip()) > _LONGEST:
        return None
    return None if value.strip().lower() in _NO_ADDRESS else value.strip()
