"""Whether an order's number and an address belong together, and which orders a proof opens. Says nothing of why not."""

import hmac
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from zhanggui.errors import InputError
from zhanggui.profiles import identity
from zhanggui.profiles.address import normalise
from zhanggui.profiles.known import trusted_addresses
from zhanggui.service import order_store, proof_tries
from zhanggui.service.order import Order
from zhanggui.service.proof import NoProof, Proof

_LONGEST = 512


def prove(
    connection: sa.Connection, number: str, *, visitor_id: str, email: str = "", phone: str = "", now: datetime
) -> Proof | NoProof:
    """A proof by an order's number with its e-mail address, its telephone number, or both; a wrong one is counted. An order has
    the addresses that it was placed with, and those that the shop itself knows of its customer. Raises InputError without
    a number or an address.
    """
    given = {
        (channel, normalise(channel, text)) for channel, text in (("email", email), ("sms", phone)) if text.strip()
    }
    typed = order_store.number_of(number)
    if not given or not typed:
        raise InputError("an order is opened by its number with its e-mail address or telephone number")
    counted = proof_tries.subjects(visitor_id, typed)
    if proof_tries.closed(connection, counted, now=now):
        return NoProof(closed=True)
    # An order that does not exist is looked up like any other: it takes as long.
    candidates: list[Order | None] = [*order_store.numbered(connection, number)] or [None]
    fitting = [order for order in candidates if _belong(given, _addresses(connection, order))]
    order = fitting[0] if fitting else None
    if order is None:
        proof_tries.count_wrong(connection, counted, now=now)
        return NoProof(closed=False)
    return Proof(kind="order", customer_id=order.customer_id, order_id=order.order_id, visitor_id=visitor_id)


def opened_by(connection: sa.Connection, proof: Proof, typed: str) -> Order | None:
    """The order that a customer names, if this proof opens it."""
    for order in order_store.numbered(connection, typed):
        if order.order_id == proof.order_id or (proof.kind == "token" and _same_person(connection, proof, order)):
            return order
    return None


def orders_of(connection: sa.Connection, proof: Proof, *, limit: int) -> list[Order]:
    """The orders that a proof opens, the newest first."""
    if proof.kind == "order":
        order = order_store.find(connection, proof.order_id)
        return [] if order is None else [order]
    person = identity.persons_of(connection, [proof.customer_id])[proof.customer_id]
    members = identity.members_of(connection, [person])[person]
    return order_store.of_customers(connection, members, limit=limit)


def _same_person(connection: sa.Connection, proof: Proof, order: Order) -> bool:
    persons = identity.persons_of(connection, [proof.customer_id, order.customer_id])
    return bool(order.customer_id) and persons[proof.customer_id] == persons[order.customer_id]


def _addresses(connection: sa.Connection, order: Order | None) -> set[tuple[str, str]]:
    """By which addresses an order can be opened, as they are compared."""
    customer_id = order.customer_id if order else ""
    person = identity.persons_of(connection, [customer_id])[customer_id]
    known = trusted_addresses(connection, identity.members_of(connection, [person])[person])
    placed = (("email", order.email), ("sms", order.phone)) if order else ()
    return known | {(channel, normalise(channel, text)) for channel, text in placed if text.strip()}


def _belong(given: Collection[tuple[str, str]], known: Collection[tuple[str, str]]) -> bool:
    """Whether every address given is one of those known; each is compared with all, however soon one fits."""
    fits = [sum(hmac.compare_digest(_bytes(one), _bytes(other)) for other in known) for one in given]
    return all(fits)


def _bytes(address: tuple[str, str]) -> bytes:
    return "\0".join(address).encode("utf-8", "backslashreplace")
