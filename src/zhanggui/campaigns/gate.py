"""What a message must pass in the moment it leaves: consent, suppression, caps, quiet hours, expiry, and what it
says of its product, in its transaction.

Planned messages are only plans: what customers and the catalogue have said since then counts. Sends nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.catalog import store as catalog
from zhanggui.content.message import Message
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.deliver import Gate, Refusal
from zhanggui.profiles import consent
from zhanggui.touches import contacts
from zhanggui.touches.contact_limits import ContactLimits, next_allowed, reached, zone


@dataclass(frozen=True, kw_only=True)
class ConsentGate(Gate):
    """The gate of a shop with these limits; `time_zone` is the shop's, for customers who have stated none.

    `without_profile` makes of a planned message what who has refused personalisation since may get instead, or None.
    """

    limits: ContactLimits
    time_zone: str
    without_profile: Callable[[Message], Message | None] = lambda _message: None

    def permit(self, connection: sa.Connection, message: Message, now: datetime) -> Message | Refusal:
        """The message, or what she gets in its place; or what forbids it now."""
        who, channel = message.customer_id, message.channel
        if message.expires_at is not None and now >= message.expires_at:
            return Refusal(reason="expired")
        if contacts.suppressed(connection, channel, [message.address]):
            return Refusal(reason="suppressed")
        if message.purpose != "marketing":
            return message
        if who not in consent.granted(connection, [who], channel, "marketing", at=now):
            return Refusal(reason="no_consent")
        used = {}
        for cap in self.limits.caps_of(channel):
            used[cap.code] = contacts.counts(
                connection,
                [who],
                since=now - timedelta(days=cap.days),
                until=now,
                channel=cap.channel or None,
                except_message=message.message_id,
            ).get(who, 0)
        if (code := reached(self.limits.caps_of(channel), used)) is not None:
            return Refusal(reason=code)
        local = zone(message.data.get("time_zone"), self.time_zone)
        allowed = next_allowed(now, channel=channel, zone=local, limits=self.limits)
        if allowed > now:
            return Refusal(reason="quiet_hours", retry_at=allowed)
        if message.proof.get("personalised") and who not in consent.granted(
            connection, [who], consent.ANY_CHANNEL, "personalisation", at=now
        ):
            plain = self.without_profile(message)
            if plain is None:
                return Refusal(reason="personalisation_refused")
            message = plain
        untrue = _untrue(connection, message, now)
        return Refusal(reason=untrue) if untrue else message

    def left(self, connection: sa.Connection, message: Message, now: datetime) -> None:
        """Count it as a contact: if we die now, it may have reached her."""
        contacts.record(
            connection,
            customer_id=message.customer_id,
            message_id=message.message_id,
            channel=message.channel,
            purpose=message.purpose,
            at=now,
        )

    def returned(self, connection: sa.Connection, message: Message, receipt: Receipt, now: datetime) -> None:
        """What was surely not taken was no contact; an address that does not exist is not used again."""
        if receipt.outcome in ("retry", "rejected"):
            contacts.forget(connection, customer_id=message.customer_id, message_id=message.message_id)
        if receipt.bad_address:
            contacts.suppress(
                connection, channel=message.channel, address=message.address, reason=receipt.detail, at=now
            )


def _untrue(connection: sa.Connection, message: Message, now: datetime) -> str | None:
    """What is no longer so of the product that the message advertises; None when all is."""
    product_id = message.data.get("product_id")
    if not product_id:
        return None
    product = catalog.find(connection, [product_id]).get(product_id)
    if product is None:
        return "not_in_catalogue"
    if product.sold_out:
        return "out_of_stock"
    price = message.data.get("price")
    return "price_changed" if price and price != str(product.price_at(now)) else None
