"""What may be done for whom: each rule forbids some (customer, action) pairs, all customers at once.

A rule's answer is a mask, so that an explanation costs nothing until it is asked for. Reads no database: what is
known of consent, addresses, suppression and earlier contacts comes as `Reach`, gathered by `gather`.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import Action, Offer
from zhanggui.profiles import consent, identity
from zhanggui.profiles.address import normalise
from zhanggui.profiles.identity import members_of, persons_of
from zhanggui.profiles.segments import Predicate
from zhanggui.touches import contacts
from zhanggui.touches.contact_limits import Cap, ContactLimits

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of one channel, for n customers in order: address or None, and (n,) masks."""

    addresses: Sequence[str | None]
    consented: Mask
    suppressed: Mask
    capped: Mapping[str, Mask]
    """By the code of the cap."""
    same_address: Mask
    """Who shares an address with a smaller id that may be contacted there."""
    taken: Set[str] = frozenset()
    """Normalised addresses at which somebody may be contacted, those found before included."""


def gather(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    channels: Sequence[str],
    *,
    limits: ContactLimits,
    now: datetime,
    consented_at: datetime,
    taken: Mapping[str, Set[str]] | None = None,
) -> tuple[dict[str, Reach], Mask]:
    """What is known of how these customers may be reached, by channel; and (n,) who allows personalisation.

    Contacts are counted as of `now`, of the person and at the address; consents hold as of `consented_at`. `taken` are the
    addresses by channel at which somebody was found before who may be contacted.
    """
    persons = persons_of(connection, customer_ids)
    members = members_of(connection, sorted(set(persons.values())))
    reach = {}
    for channel in channels:
        given = identity.addresses(connection, customer_ids, channel)
        addresses = {customer_id: normalise(channel, address) for customer_id, address in given.items()}
        agreed = consent.granted(connection, customer_ids, channel, "marketing", at=consented_at, addresses=given)
        blocked = contacts.suppressed(connection, channel, sorted(set(addresses.values())))
        capped = {
            cap.code: _capped(connection, cap, customer_ids, channel, persons, members, addresses, now)
            for cap in limits.caps_of(channel)
        }
        consented = _mask(customer_id in agreed for customer_id in customer_ids)
        suppressed = _mask(addresses.get(customer_id) in blocked for customer_id in customer_ids)
        contactable = consented & ~suppressed
        for rows in capped.values():
            contactable &= ~rows
        first = _first_at(customer_ids, addresses, contactable, (taken or {}).get(channel, frozenset()))
        reach[channel] = Reach(
            addresses=[given.get(customer_id) for customer_id in customer_ids],
            consented=consented,
            suppressed=suppressed,
            capped=capped,
            same_address=contactable
            & _mask(
                first.get(addresses.get(customer_id, "")) not in (None, customer_id) for customer_id in customer_ids
            ),
            taken=frozenset(first),
        )
    allowed = consent.granted(connection, customer_ids, consent.ANY_CHANNEL, "personalisation", at=consented_at)
    return reach, _mask(customer_id in allowed for customer_id in customer_ids)


def _capped(
    connection: sa.Connection,
    cap: Cap,
    customer_ids: Sequence[str],
    channel: str,
    persons: Mapping[str, str],
    members: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str],
    now: datetime,
) -> Mask:
    """For whom a cap is used up: by contacts of the person, under any id, or by contacts at the address."""
    since = now - timedelta(days=cap.days)
    ids = sorted({member for ids in members.values() for member in ids})
    by_id = contacts.counts(connection, ids, since=since, until=now, channel=cap.channel or None)
    by_person = {person: sum(by_id.get(member, 0) for member in ids) for person, ids in members.items()}
    at_address = contacts.counts_at(connection, channel, sorted(set(addresses.values())), since=since, until=now)
    return _mask(
        max(by_person[persons[customer_id]], at_address.get(addresses.get(customer_id, ""), 0)) >= cap.messages
        for customer_id in customer_ids
    )


def _first_at(
    customer_ids: Sequence[str], addresses: Mapping[str, str], contactable: Mask, taken: Set[str]
) -> dict[str, str]:
    """Address -> the smallest id of those here who may be contacted at it; "" where somebody was found before."""
    first = dict.fromkeys(taken, "")
    for customer_id, may in zip(customer_ids, contactable.tolist(), strict=True):
        address = addresses.get(customer_id)
        if may and address is not None:
            first[address] = min(customer_id, first.get(address, customer_id))
    return first


def forbidden(
    profiles: pa.Table,
    actions: Sequence[Action],
    *,
    offers: Mapping[str, Offer],
    products: Mapping[str, Product],
    reach: Mapping[str, Reach],
    personalised: Mask,
    now: datetime,
) -> dict[str, Mask]:
    """Code of a rule -> (n, k) true where it forbids the action. NO_ACTION is never forbidden."""
    rules: dict[str, Mask] = {}
    shape = (profiles.num_rows, len(actions))
    predicates: dict[str, Mask] = {}
    for column, action in enumerate(actions):
        if action.kind == "nothing":
            continue
        for code, rows in _rules(profiles, action, offers, products, reach, personalised, now, predicates):
            if np.any(rows):
                rules.setdefault(code, np.zeros(shape, dtype=np.bool_))[:, column] |= rows
    return rules


def _rules(
    profiles: pa.Table,
    action: Action,
    offers: Mapping[str, Offer],
    products: Mapping[str, Product],
    reach: Mapping[str, Reach],
    personalised: Mask,
    now: datetime,
    predicates: dict[str, Mask],
) -> Iterator[tuple[str, Mask | bool]]:
    assert action.channel is not None
    channel = reach[action.channel]
    yield "no_address", _mask(address is None for address in channel.addresses)
    yield "no_consent", ~channel.consented
    yield "suppressed", channel.suppressed
    yield from channel.capped.items()
    yield "same_address", channel.same_address
    if action.product_id is not None:
        product = products.get(action.product_id)
        yield "not_in_catalogue", product is None
        yield "out_of_stock", product is not None and product.sold_out
    if action.offer_id is None:
        return
    offer = offers[action.offer_id]
    yield (
        "offer_not_valid",
        bool(
            (offer.valid_from is not None and now < offer.valid_from)
            or (offer.valid_until is not None and now >= offer.valid_until)
        ),
    )
    if offer.eligibility:
        if offer.eligibility not in predicates:
            predicates[offer.eligibility] = Predicate.parse(offer.eligibility).mask(profiles)
        yield "offer_not_for_her", ~predicates[offer.eligibility] & personalised
        # Choosing by her profile is personalisation: who refused it is not tested against a predicate.
        yield "personalisation_refused", ~personalised


def _mask(values: Iterator[bool] | Sequence[bool]) -> Mask:
    return np.fromiter(values, dtype=np.bool_)
