"""What could be done for a customer: offers, actions, and doing nothing. Chooses nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zhanggui.catalog.product import Language
from zhanggui.money import Money

ChannelName = str
"""The name of a configured channel: "email", "sms", "webhook", "onsite"."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a campaign may promise. Discounts come from here alone: no model ever sets one.

    `percent` (1..99) and `amount` exclude each other; neither means a message without a discount.
    `categories` and `product_ids` say what it holds for (both empty: everything).
    `eligibility` is a predicate over profile columns (see profiles.segments), "" for everyone.
    """

    offer_id: str
    titles: Mapping[Language, str]
    percent: int | None = None
    amount: Money | None = None
    coupon: str = ""
    categories: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()
    eligibility: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that may be done: make an offer, about a product or a category, on a channel, at a moment."""

    kind: Literal["message", "nothing"] = "message"
    offer_id: str | None = None
    product_id: str | None = None
    category: str | None = None
    channel: ChannelName | None = None
    send_at: datetime | None = None
    """When to send (UTC); None for as soon as the run reaches it."""

    @property
    def action_id(self) -> str:
        """Stable id of what is done, where and about what ("nothing" for NoAction); two runs' actions with the
        same offer, product, category and channel share it, whatever their moment, so that learning carries over."""
        if self.kind == "nothing":
            return "nothing"
        parts = (self.offer_id, self.product_id, self.category, self.channel)
        return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:16]


NO_ACTION = Action(kind="nothing")
"""Say nothing: always a candidate, always eligible."""
