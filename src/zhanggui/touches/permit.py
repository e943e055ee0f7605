"""Whether a touch may be made now: consent, suppression, caps, quiet hours, expiry, one a person and one an address.

Asked under the locks of persons and addresses, in the transaction that counts the contacts and marks the messages as
sending, so that two workers cannot both find room for the last one. Knows no product and no word.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa

from zhanggui.profiles import consent
from zhanggui.profiles.address import normalise
from zhanggui.profiles.identity import last_given, members_of, persons_of
from zhanggui.storage import locks
from zhanggui.touches import contacts, touch
from zhanggui.touches.contact_limits import Cap, ContactLimits, next_allowed, zone
from zhanggui.touches.contacts import Contact
from zhanggui.touches.touch import Standing, Touch

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

    @cached_property
    def normal(self) -> str:
        """The address as it is compared."""
        return normalise(self.channel, self.address)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a touch may not be made; with `retry_at`, only not yet."""

    reason: str
    retry_at: datetime | None = None


class PersonMovedError(Exception):
    """Ids were joined to the person, or parted from them, while the locks were waited for: roll back and begin again."""


def hold(connection: sa.Connection, approaches: Sequence[Approach]) -> list[list[str]]:
    """Take the locks of persons and addresses until the transaction ends; of each person all ids, of as many of the first
    `approaches` as share neither person nor address, so that none counts for another.

    A person's locks are those of all their ids: so whoever saw two persons and whoever sees one wait for each other, and
    who learns that they are one needs no lock. Raises PersonMovedError.
    """
    members = _members(connection, approaches)
    apart: set[str] = set()
    held: list[list[str]] = []
    for approach, ids in zip(approaches, members, strict=True):
        names = keys(ids, approach)
        if not apart.isdisjoint(names):
            break
        apart.update(names)
        held.append(ids)
    if locks.hold(connection, apart) and _members(connection, approaches[: len(held)]) != held:
        raise PersonMovedError([approach.touch.customer_id for approach in approaches])
    return held


def keys(members: Sequence[str], approach: Approach) -> list[str]:
    """The names of the locks of a person's ids and of an address."""
    return [*(f"person:{member}" for member in members), f"address:{approach.channel}:{approach.normal}"]


def _members(connection: sa.Connection, approaches: Sequence[Approach]) -> list[list[str]]:
    persons = persons_of(connection, [approach.touch.customer_id for approach in approaches])
    members = members_of(connection, set(persons.values()))
    return [members[persons[approach.touch.customer_id]] for approach in approaches]


def refusals(
    connection: sa.Connection,
    approaches: Sequence[Approach],
    members: Sequence[Sequence[str]],
    *,
    rules: Rules,
    now: datetime,
) -> list[Refusal | None]:
    """What forbids each touch at `now`, None where nothing does. Ask it while `hold` holds; then `contacts.record` them.

    `approaches` are of one channel, and no two of one person or address; `members` are all ids of each person.
    """
    known = _gather(connection, approaches, members, rules=rules, now=now)
    return [_refusal(approach, ids, known, rules, now) for approach, ids in zip(approaches, members, strict=True)]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the database says of some approaches, read for all of them at once."""

    standings: Mapping[str, Standing]
    suppressed: Mapping[str, str]
    contacted: Set[str]
    """Touches of the same step that have led to contacts with other ids of a person."""
    at_address: Mapping[str, Sequence[Contact]]
    elsewhere: Set[str]
    """Customers who took the address back, or gave another since."""
    agreed: Set[str]
    personalised: Set[str]
    of_member: Mapping[str, Sequence[Contact]]
    recent_at: Mapping[str, Sequence[Contact]]


def _gather(
    connection: sa.Connection,
    approaches: Sequence[Approach],
    members: Sequence[Sequence[str]],
    *,
    rules: Rules,
    now: datetime,
) -> _Known:
    channel = approaches[0].channel
    addresses = [approach.normal for approach in approaches]
    others = [other for approach, ids in zip(approaches, members, strict=True) for other in approach.touch.others(ids)]
    marketing = [approach for approach in approaches if approach.touch.purpose == "marketing"]
    reached = {approach.touch.customer_id: approach.normal for approach in marketing}
    personal = [approach.touch.customer_id for approach in marketing if approach.personalised]
    caps = rules.limits.caps_of(channel)
    since = now - timedelta(days=max((cap.days for cap in caps), default=0))
    window = {"since": since, "until": now}
    every_id = [member for ids in members for member in ids]
    given = zip(approaches, last_given(connection, members, channel), strict=True)
    counted = bool(caps and marketing)
    return _Known(
        standings=touch.standings(connection, [approach.touch.touch_id for approach in approaches]),
        suppressed=contacts.suppressed(connection, channel, addresses),
        contacted=contacts.contacted(connection, others),
        at_address=_by(contacts.ever_at(connection, channel, addresses), "address"),
        elsewhere={
            approach.touch.customer_id
            for approach, address in given
            if address is not None and normalise(channel, address) != approach.normal
        },
        agreed=consent.granted(connection, list(reached), channel, "marketing", at=now, addresses=reached),
        personalised=consent.granted(connection, personal, consent.ANY_CHANNEL, "personalisation", at=now),
        of_member=_by(contacts.of_customers(connection, every_id, **window) if counted else [], "customer_id"),
        recent_at=_by(contacts.at_addresses(connection, channel, addresses, **window) if counted else [], "address"),
    )


def _refusal(approach: Approach, members: Sequence[str], known: _Known, rules: Rules, now: datetime) -> Refusal | None:
    planned = approach.touch
    standing = known.standings.get(planned.touch_id)
    if standing is not None and standing.state == "ended":
        return Refusal(reason=standing.reason)
    if approach.expires_at is not None and now >= approach.expires_at:
        return Refusal(reason="expired")
    if approach.normal in known.suppressed:
        return Refusal(reason="suppressed")
    if not known.contacted.isdisjoint(planned.others(members)):
        return Refusal(reason="same_person")
    if any(planned.shares_step(contact.customer_id, contact.touch_id) for contact in known.at_address[approach.normal]):
        return Refusal(reason="same_address")
    if planned.purpose != "marketing":
        return None
    if planned.customer_id in known.elsewhere:
        return Refusal(reason="address_changed")
    if planned.customer_id not in known.agreed:
        return Refusal(reason="no_consent")
    of_person = [contact for member in members for contact in known.of_member[member]]
    for earlier in (of_person, known.recent_at[approach.normal]):
        others = [contact for contact in earlier if contact.touch_id != planned.touch_id]
        if (code := used_up(rules.limits.caps_of(approach.channel), others, now=now)) is not None:
            return Refusal(reason=code)
    local = zone(approach.time_zone, rules.time_zone)
    allowed = next_allowed(now, channel=approach.channel, zone=local, limits=rules.limits)
    if allowed > now:
        return Refusal(reason="quiet_hours", retry_at=allowed)
    if approach.personalised and planned.customer_id not in known.personalised:
        return Refusal(reason=PERSONALISATION_REFUSED)
    return None


def _by(found: Sequence[Contact], name: str) -> Mapping[str, Sequence[Contact]]:
    groups: dict[str, list[Contact]] = defaultdict(list)
    for contact in found:
        groups[getattr(contact, name)].append(contact)
    return groups


def used_up(caps: Sequence[Cap], earlier: Sequence[Contact], *, now: datetime) -> str | None:
    """The code of the first cap for which `earlier` contacts leave no room at `now`; a window ends after its last day."""
    for cap in caps:
        since = now - timedelta(days=cap.days)
        counted = sum(1 for contact in earlier if contact.at > since and cap.channel in ("", contact.channel))
        if counted >= cap.messages:
            return cap.code
    return None
