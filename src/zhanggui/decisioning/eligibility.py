"""What may be done for whom: each rule forbids some (customer, action) pairs, all customers at once.

A rule's answer is a mask, so that an explanation costs nothing until it is asked for. Reads no database: what is
known of consent, addresses, suppression and earlier contacts comes as `Reach`, gathered by `gather`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import Action, Offer
from zhanggui.profiles import consent, identity
from zhanggui.profiles.segments import Predicate
from zhanggui.touches import contacts
from zhanggui.touches.contact_limits import ContactLimits

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of one channel, for n customers in order: address or None, and (n,) masks."""

    addresses: Sequence[str | None]
    consented: Mask
    suppressed: Mask
    capped: Mapping[str, Mask]
    """By the code of the cap."""


def gather(
    connection: sa.Connection,
    customer_ids: Sequence[str],
    channels: Sequence[str],
    *,
    limits: ContactLimits,
    now: datetime,
    consented_at: datetime,
) -> tuple[dict[str, Reach], Mask]:
    """What is known of how these customers may be reached, by channel; and (n,) who allows personalisation.

    Contacts are counted as of `now`; consents hold as of `consented_at`.
    """
    found = {}
    for channel in channels:
        known = identity.addresses(connection, customer_ids, channel)
        agreed = consent.granted(connection, customer_ids, channel, "marketing", at=consented_at)
        blocked = contacts.suppressed(connection, channel, sorted(set(known.values())))
        capped = {}
        for cap in limits.caps_of(channel):
            counted = contacts.counts(
                connection,
                customer_ids,
                since=now - timedelta(days=cap.days),
                until=now,
                channel=cap.channel or None,
            )
            capped[cap.code] = _mask(counted.get(one, 0) >= cap.messages for one in customer_ids)
        found[channel] = Reach(
            addresses=[known.get(one) for one in customer_ids],
            consented=_mask(one in agreed for one in customer_ids),
            suppressed=_mask(known.get(one) in blocked for one in customer_ids),
            capped=capped,
        )
    allowed = consent.granted(connection, customer_ids, consent.ANY_CHANNEL, "personalisation", at=consented_at)
    return found, _mask(one in allowed for one in customer_ids)


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
