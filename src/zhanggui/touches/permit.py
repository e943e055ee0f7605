"""Whether a touch may be made now: consent, suppression, caps, quiet hours, expiry, one a person and one an address.

Asked under the locks of person and address, in the transaction that counts the contact and marks the message as
sending, so that two workers cannot both find room for the last one. Knows no product and no word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.profiles import consent
from zhanggui.profiles.address import normalise
from zhanggui.profiles.identity import members_of, persons_of
from zhanggui.storage import locks
from zhanggui.touches import contacts, touch
from zhanggui.touches.contact_limits import Cap, ContactLimits, next_allowed, zone
from zhanggui.touches.contacts import Contact
from zhanggui.touches.touch import Touch

PERSONALISATION_REFUSED = "personalisation_refused"
"""The one refusal for which another message may do."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a shop allows; `time_zone` is the shop's, for customers who have stated none."""

    limits: ContactLimits
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class Approach:
    """How a touch is about to be made."""

    touch: Touch
    channel: str
    address: str
    expires_at: datetime | None = None
    """Not at or after this moment."""
    time_zone: str | None = None
    """The customer's, if known."""
    personalised: bool = False
    """Whether the words or the offer rest on the profile."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a touch may not be made; with `retry_at`, only not yet."""

    reason: str
    retry_at: datetime | None = None


class PersonMovedError(Exception):
    """Ids were joined to the person, or parted from them, while the locks were waited for: roll back and begin again."""


def hold(connection: sa.Connection, approach: Approach) -> list[str]:
    """Take the locks of person and address until the transaction ends; returns all ids of the person.

    A person's locks are those of all their ids: so whoever saw two persons and whoever sees one wait for each other, and
    who learns that they are one needs no lock. Raises PersonMovedError.
    """
    customer_id = approach.touch.customer_id
    members = _members(connection, customer_id)
    waited = locks.hold(connection, keys(members, approach.channel, approach.address))
    if waited and _members(connection, customer_id) != members:
        raise PersonMovedError(customer_id)
    return members


def keys(members: Sequence[str], channel: str, address: str) -> list[str]:
    """The names of the locks of a person's ids and of an address."""
    return [*(f"person:{member}" for member in members), f"address:{channel}:{normalise(channel, address)}"]


def _members(connection: sa.Connection, customer_id: str) -> list[str]:
    person = persons_of(connection, [customer_id])[customer_id]
    return members_of(connection, [person])[person]


def refusal(
    connection: sa.Connection, approach: Approach, members: Sequence[str], *, rules: Rules, now: datetime
) -> Refusal | None:
    """What forbids the touch at `now`, None if nothing does. Ask it while `hold` holds; then `contacts.record` it.

    `members` are all ids of the person.
    """
    planned, channel = approach.touch, approach.channel
    address = normalise(channel, approach.address)
    known = touch.standing(connection, planned.touch_id)
    if known is not None and known.state == "ended":
        return Refusal(reason=known.reason)
    if approach.expires_at is not None and now >= approach.expires_at:
        return Refusal(reason="expired")
    if contacts.suppressed(connection, channel, [address]):
        return Refusal(reason="suppressed")
    taken = contacts.in_step(connection, planned, members=members, channel=channel, address=address)
    if taken is not None:
        return Refusal(reason=taken)
    if planned.purpose != "marketing":
        return None
    return _marketing_refusal(connection, approach, members, address, rules=rules, now=now)


def _marketing_refusal(
    connection: sa.Connection, approach: Approach, members: Sequence[str], address: str, *, rules: Rules, now: datetime
) -> Refusal | None:
    customer_id, channel = approach.touch.customer_id, approach.channel
    if customer_id not in consent.granted(
        connection, [customer_id], channel, "marketing", at=now, addresses={customer_id: address}
    ):
        return Refusal(reason="no_consent")
    caps = rules.limits.caps_of(channel)
    if caps:
        since = now - timedelta(days=max(cap.days for cap in caps))
        of_person = contacts.of_customers(connection, members, since=since, until=now)
        at_address = contacts.at_addresses(connection, channel, [address], since=since, until=now)
        for earlier in (of_person, at_address):
            others = [contact for contact in earlier if contact.touch_id != approach.touch.touch_id]
            if (code := used_up(caps, others, now=now)) is not None:
                return Refusal(reason=code)
    local = zone(approach.time_zone, rules.time_zone)
    allowed = next_allowed(now, channel=channel, zone=local, limits=rules.limits)
    if allowed > now:
        return Refusal(reason="quiet_hours", retry_at=allowed)
    if approach.personalised and customer_id not in consent.granted(
        connection, [customer_id], consent.ANY_CHANNEL, "personalisation", at=now
    ):
        return Refusal(reason=PERSONALISATION_REFUSED)
    return None


def used_up(caps: Sequence[Cap], earlier: Sequence[Contact], *, now: datetime) -> str | None:
    """The code of the first cap for which `earlier` contacts leave no room at `now`; a window ends after its last day."""
    for cap in caps:
        since = now - timedelta(days=cap.days)
        counted = sum(1 for contact in earlier if contact.at > since and cap.channel in ("", contact.channel))
        if counted >= cap.messages:
            return cap.code
    return None
