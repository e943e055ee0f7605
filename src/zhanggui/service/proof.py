"""Who asks about an order, and how that was shown. Makes no proof: tokens and tries do."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Shown by a visitor token: opens the orders of that person. Shown by an order's number with its e-mail address or
    telephone number: opens that order alone.
    """

    kind: Literal["token", "order"]
    customer_id: str
    order_id: str = ""
    """Of the kind `order`: the one that it opens."""
    visitor_id: str = ""
    """Who had it, as the door knows visitors; "" where it knows none."""


@dataclass(frozen=True, kw_only=True)
class NoProof:
    """Number and address do not belong together, or there is no such order: nobody learns which. `closed`: after three wrong
    tries within 24 hours nothing is looked at any more.
    """

    closed: bool
