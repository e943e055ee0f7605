"""Who is who: ids joined to persons, who was known on a device when, and where a person can be reached.

Raw events keep the id they came with; the mapping is read when profiles are built. Knows no feature and no consent's rule.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pyarrow as pa
import sqlalchemy as sa

from zhanggui.profiles.address import CONTACT, normalise
from zhanggui.profiles.closure import ends
from zhanggui.profiles.consent_table import consents
from zhanggui.profiles.identity_tables import contact_points, device_links, identities, persons
from zhanggui.profiles.known import known_to_the_shop
from zhanggui.profiles.learn_identity import Address, Alias, DeviceLink, Learned, learn, learn_rows
from zhanggui.profiles.resolution import DEVICES_SCHEMA, PERSONS_SCHEMA, Resolution
from zhanggui.storage.database import insert

__all__ = [
    "Learned",
    "addresses",
    "apply",
    "customers_at",
    "device_owners",
    "find",
    "hear",
    "last_given",
    "learn",
    "learn_rows",
    "members_of",
    "persons_at",
    "persons_of",
    "resolve",
]
# Asked for every handful of messages, and so built once.
_PERSONS_OF = sa.select(persons).where(persons.c.customer_id.in_(sa.bindparam("ids")))
_MEMBERS_OF = sa.select(persons).where(persons.c.person_id.in_(sa.bindparam("person_ids")))
_NAMED_AT = sa.select(contact_points.c.customer_id).where(
    contact_points.c.channel == sa.bindparam("channel"), contact_points.c.normal.in_(sa.bindparam("addresses"))
)
_FIRST, _LAST = -(2**62), 2**62  # microseconds before and after all events
_CHUNK = 5_000
_T = TypeVar("_T")


# Persons


def persons_of(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, str]:
    """The person that each id belongs to; an id that nothing is known of is a person of its own."""
    found = {one: one for one in customer_ids}
    for chunk in _chunks(found):
        found.update((row.customer_id, row.person_id) for row in connection.execute(_PERSONS_OF, {"ids": chunk}))
    return found


def members_of(connection: sa.Connection, person_ids: Iterable[str]) -> dict[str, list[str]]:
    """Every id of each person in order, the person's own among them."""
    found = {person_id: [person_id] for person_id in person_ids}
    for chunk in _chunks(found):
        for row in connection.execute(_MEMBERS_OF, {"person_ids": chunk}):
            found[row.person_id].append(row.customer_id)
    return {person_id: sorted(members) for person_id, members in found.items()}


def find(connection: sa.Connection, customer_id: str) -> str:
    """The person behind any id, the one of a device too: there, who was known on it last.

    A public key makes no device of a customer whom the shop knows by itself.
    """
    person_id = persons_of(connection, [customer_id])[customer_id]
    if person_id != customer_id:
        return person_id
    last = sa.select(device_links.c.customer_id).where(device_links.c.anonymous_id == customer_id)
    if known_to_the_shop(connection, [customer_id]):
        last = last.where(device_links.c.trusted)
    owner = connection.scalar(last.order_by(device_links.c.since.desc(), device_links.c.customer_id).limit(1))
    return customer_id if owner is None else persons_of(connection, [owner])[owner]


def device_owners(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Every device that is one of these ids or on which one was known, with the persons known on it; of each, whether the shop
    says so itself (not a public key, which makes no device of a customer whom the shop knows by itself).
    """
    names: set[str] = set()
    for chunk in _chunks(set(customer_ids)):
        either = sa.or_(device_links.c.customer_id.in_(chunk), device_links.c.anonymous_id.in_(chunk))
        names.update(connection.scalars(sa.select(device_links.c.anonymous_id).where(either)))
    links: set[tuple[str, str, bool]] = set()
    for chunk in _chunks(names):
        link = sa.select(device_links.c.anonymous_id, device_links.c.customer_id, device_links.c.trusted)
        links.update(
            tuple(row) for row in connection.execute(link.where(device_links.c.anonymous_id.in_(chunk)).distinct())
        )
    customers = known_to_the_shop(connection, names)
    links = {link for link in links if link[2] or link[0] not in customers}
    owners = persons_of(connection, {customer_id for _, customer_id, _ in links})
    devices: dict[str, dict[str, bool]] = defaultdict(dict)
    for device, customer_id, trusted in links:
        owner = owners[customer_id]
        devices[device][owner] = trusted or devices[device].get(owner, False)
    return dict(devices)


# Addresses


def addresses(connection: sa.Connection, customer_ids: Sequence[str], channel: str) -> dict[str, str]:
    """Where the persons behind these ids can be reached on `channel`; those without an address are left out."""
    owners = persons_of(connection, customer_ids)
    members = members_of(connection, set(owners.values()))
    given = dict(zip(members, last_given(connection, list(members.values()), channel), strict=True))
    return {one: address for one, owner in owners.items() if (address := given[owner])}


def last_given(connection: sa.Connection, persons: Sequence[Sequence[str]], channel: str) -> list[str | None]:
    """The address that holds of each person (given by all ids): "" when it was taken back, None when none was ever given.

    The latest holds; the shop's own word counts before that of a public key, and a customer's before that of a contact who
    became the customer.
    """
    said = {row.customer_id: row for row in _points(connection, (one for ids in persons for one in ids), channel)}
    known = ([said[one] for one in ids if one in said] for ids in persons)
    return [max(rows, key=_precedence).address if rows else None for rows in known]


def customers_at(connection: sa.Connection, channel: str, address: str) -> list[str]:
    """Every person who is reached at this address, however it is written."""
    return sorted(persons_at(connection, channel, [address])[normalise(channel, address)])


def persons_at(connection: sa.Connection, channel: str, given: Iterable[str]) -> dict[str, set[str]]:
    """The persons who are reached at each address, by its normalised form."""
    found: dict[str, set[str]] = {normalise(channel, address): set() for address in given}
    named: set[str] = set()
    for chunk in _chunks(found):
        named.update(connection.scalars(_NAMED_AT, {"channel": channel, "addresses": chunk}))
    owners = set(persons_of(connection, named).values())
    for person_id, address in addresses(connection, sorted(owners), channel).items():
        form = normalise(channel, address)
        if form in found:
            found[form].add(person_id)
    return found


def _precedence(row: Any) -> tuple[bool, bool, datetime, str]:
    return row.trusted, not row.customer_id.startswith(CONTACT), row.since, row.customer_id


def _points(connection: sa.Connection, customer_ids: Iterable[str], channel: str | None = None) -> Iterator[Any]:
    for chunk in _chunks(set(customer_ids)):
        query = sa.select(contact_points).where(contact_points.c.customer_id.in_(chunk))
        yield from connection.execute(query if channel is None else query.where(contact_points.c.channel == channel))


# Learning


def hear(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Learn from events just appended (rows of the log), in their transaction."""
    apply(connection, learn_rows(rows))


def apply(connection: sa.Connection, learned: Learned) -> None:
    """Keep what was learned; an older statement never replaces a newer one."""
    _apply_aliases(connection, learned.aliases)
    devices = _apply_links(connection, learned.links) | {alias.from_id for alias in learned.aliases}
    _apply_aliases(connection, _contacts_known_since(connection, devices))
    _apply_addresses(connection, learned.addresses)


def _apply_aliases(connection: sa.Connection, aliases: Sequence[Alias]) -> None:
    latest: dict[str, Alias] = {}
    for alias in aliases:
        before = latest.get(alias.from_id)
        if before is None or (before.since, before.to_id) <= (alias.since, alias.to_id):
            latest[alias.from_id] = alias
    if not latest:
        return
    around = _component(connection, {one for alias in latest.values() for one in (alias.from_id, alias.to_id)})
    upsert = insert(connection, identities)
    newer = sa.or_(
        identities.c.since < upsert.excluded.since,
        sa.and_(identities.c.since == upsert.excluded.since, identities.c.to_id < upsert.excluded.to_id),
    )
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["from_id"],
            set_={"to_id": upsert.excluded.to_id, "since": upsert.excluded.since},
            where=newer,
        ),
        [{"from_id": one.from_id, "to_id": one.to_id, "since": one.since} for one in latest.values()],
    )
    _close(connection, around)


def _component(connection: sa.Connection, seeds: set[str]) -> set[str]:
    """Every id that aliases connect with these, whichever way they point."""
    around: set[str] = set()
    edge = seeds
    while edge:
        around |= edge
        neighbours: set[str] = set()
        for chunk in _chunks(edge):
            for row in connection.execute(
                sa.select(identities.c.from_id, identities.c.to_id).where(
                    sa.or_(identities.c.from_id.in_(chunk), identities.c.to_id.in_(chunk))
                )
            ):
                neighbours |= {row.from_id, row.to_id}
        edge = neighbours - around
    return around


def _close(connection: sa.Connection, around: set[str]) -> None:
    """Follow the aliases of these ids anew to their ends."""
    direct: dict[str, tuple[str, datetime]] = {}
    for chunk in _chunks(around):
        for row in connection.execute(sa.select(identities).where(identities.c.from_id.in_(chunk))):
            direct[row.from_id] = (row.to_id, row.since)
        connection.execute(sa.delete(persons).where(persons.c.customer_id.in_(chunk)))
    if rows := [{"customer_id": one, "person_id": end} for one, end in ends(direct).items()]:
        connection.execute(sa.insert(persons), rows)


def _apply_links(connection: sa.Connection, links: Sequence[DeviceLink]) -> set[str]:
    """Keep who was known on devices; returns the devices of which something new is known.

    Of a customer's links within one hour the first and the last are kept: what lies between says the same.
    """
    told = {(one.anonymous_id, one.since, one.customer_id, one.trusted) for one in links}
    if not told:
        return set()
    first, last = _hour(min(one[1] for one in told)), _hour(max(one[1] for one in told)) + timedelta(hours=1)
    known: set[tuple[str, datetime, str, bool]] = set()
    for chunk in _chunks({one[0] for one in told}):
        rows = connection.execute(
            sa.select(device_links).where(
                device_links.c.anonymous_id.in_(chunk), device_links.c.since >= first, device_links.c.since < last
            )
        )
        known.update((row.anonymous_id, row.since, row.customer_id, row.trusted) for row in rows)
    hours: dict[tuple[str, str, bool, datetime], list[datetime]] = defaultdict(list)
    for device, since, customer_id, trusted in known | told:
        hours[device, customer_id, trusted, _hour(since)].append(since)
    kept = {
        (device, since, customer_id, trusted)
        for (device, customer_id, trusted, _), moments in hours.items()
        for since in (min(moments), max(moments))
    }
    columns = ("anonymous_id", "since", "customer_id", "trusted")
    if stale := known - kept:
        same = sa.and_(*(device_links.c[name] == sa.bindparam(f"of_{name}") for name in columns))
        connection.execute(
            sa.delete(device_links).where(same),
            [{f"of_{name}": value for name, value in zip(columns, one, strict=True)} for one in stale],
        )
    if fresh := kept - known:
        connection.execute(sa.insert(device_links), [dict(zip(columns, one, strict=True)) for one in fresh])
    return {one[0] for one in fresh}


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _contacts_known_since(connection: sa.Connection, devices: set[str]) -> list[Alias]:
    """The contacts on these devices of whom it is known now who they are: who is next there, or whom an alias makes it."""
    known_on: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for chunk in _chunks(devices):
        link = sa.select(device_links.c.anonymous_id, device_links.c.since, device_links.c.customer_id)
        link = link.where(device_links.c.anonymous_id.in_(chunk), device_links.c.trusted)
        alias = sa.select(identities.c.from_id, identities.c.since, identities.c.to_id)
        alias = alias.where(identities.c.from_id.in_(chunk))
        for device, since, customer_id in connection.execute(link.union_all(alias)):
            known_on[device].append((since, customer_id))
    found: dict[str, tuple[datetime, str]] = {}
    for moments in known_on.values():
        contacts: set[str] = set()
        for moment in sorted(moments):
            if moment[1].startswith(CONTACT):
                contacts.add(moment[1])
                continue
            found.update((contact, min(found.get(contact, moment), moment)) for contact in contacts)
            contacts.clear()
    # Who gave another e-mail address is somebody else at the same device.
    mailboxes = addresses(connection, sorted({customer for _, customer in found.values()}), "email")
    known = persons_of(connection, found)
    return [
        Alias(from_id=contact, to_id=customer, since=since)
        for contact, (since, customer) in found.items()
        if known[contact] == contact
        and normalise("email", mailboxes.get(customer, "")) in ("", contact.removeprefix(CONTACT))
    ]


def _apply_addresses(connection: sa.Connection, said: Sequence[Address]) -> None:
    if not said:
        return
    owners = persons_of(connection, {one.customer_id for one in said})
    members = members_of(connection, set(owners.values()))
    everybody = {one for ids in members.values() for one in ids}
    known: dict[tuple[str, str], Address] = {
        (row.customer_id, row.channel): Address(
            customer_id=row.customer_id, channel=row.channel, address=row.address, since=row.since, trusted=row.trusted
        )
        for row in _points(connection, everybody)
    }
    agreed = _who_consented(connection, everybody) if any(not one.trusted for one in said) else set()
    changed: dict[tuple[str, str], Address] = {}
    for new in said:
        key = (new.customer_id, new.channel)
        ids = members[owners[new.customer_id]]
        theirs = [known[one, new.channel] for one in ids if (one, new.channel) in known]
        if new.trusted or _may_be_told(new, theirs, consented=not agreed.isdisjoint(ids)):
            old = known.get(key)
            if old is None or (old.trusted, old.since) <= (new.trusted, new.since):
                known[key] = changed[key] = new
    if not changed:
        return
    upsert = insert(connection, contact_points)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["customer_id", "channel"],
            set_={name: upsert.excluded[name] for name in ("address", "normal", "since", "trusted")},
        ),
        [
            {
                "customer_id": one.customer_id,
                "channel": one.channel,
                "address": one.address,
                "normal": normalise(one.channel, one.address),
                "since": one.since,
                "trusted": one.trusted,
            }
            for one in changed.values()
        ],
    )


def _may_be_told(new: Address, theirs: Sequence[Address], *, consented: bool) -> bool:
    """Whether a public key may give this address: it takes none back, and changes none that the shop knows by itself, or
    that belongs to someone who consented.
    """
    if not new.address or any(old.trusted for old in theirs):
        return False
    form = normalise(new.channel, new.address)
    return not (consented and any(normalise(old.channel, old.address) != form for old in theirs))


def _who_consented(connection: sa.Connection, customer_ids: set[str]) -> set[str]:
    found: set[str] = set()
    for chunk in _chunks(customer_ids):
        query = sa.select(consents.c.customer_id).where(consents.c.customer_id.in_(chunk), consents.c.granted)
        found.update(connection.scalars(query))
    return found


def resolve(connection: sa.Connection) -> Resolution:
    """Who is who as of now: persons, and whose the nameless events of a device are (who is known there next, in the end who
    was known there last).
    """
    ends = {row.customer_id: row.person_id for row in connection.execute(sa.select(persons))}
    moments: dict[str, dict[int, str]] = defaultdict(dict)
    since = sa.type_coerce(device_links.c.since, sa.BigInteger).label("us")
    links = sa.select(device_links.c.anonymous_id, device_links.c.customer_id, since)
    # Of two at one moment the shop's own word counts.
    for device, customer_id, us in connection.execute(
        links.order_by(device_links.c.anonymous_id, since, device_links.c.trusted.desc(), device_links.c.customer_id)
    ):
        moments[device].setdefault(us, ends.get(customer_id, customer_id))
    spans = [span for device, owners in moments.items() for span in _spans(device, owners)]
    return Resolution(
        persons=pa.table([list(ends), list(ends.values())], schema=PERSONS_SCHEMA),
        devices=pa.Table.from_pylist(spans, DEVICES_SCHEMA),
    )


def _spans(device: str, owners: Mapping[int, str]) -> list[dict[str, Any]]:
    """When a device is whose; `owners` by ascending moment."""
    spans: list[dict[str, Any]] = []
    after = _FIRST
    for us, owner in owners.items():
        if spans and spans[-1]["owner"] == owner:
            spans[-1]["until"] = us
        else:
            spans.append({"device": device, "after": after, "until": us, "owner": owner})
        after = us
    spans[-1]["until"] = _LAST
    return spans


def _chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    todo = list(values)
    for start in range(0, len(todo), _CHUNK):
        yield todo[start : start + _CHUNK]
