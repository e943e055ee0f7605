"""What can be done with an order for who asks, and the Protocol of whoever does it. Does nothing by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from zhanggui.money import Money
from zhanggui.service.order import Order
from zhanggui.service.proof import Proof


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The order is not wanted any more; only a pending one can be cancelled."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeAddress:
    """The order goes elsewhere; only of a pending one."""

    address: Mapping[str, str]
    """Whole, by the names that the shop uses; it replaces the one before."""


@dataclass(frozen=True, kw_only=True)
class ReturnItems:
    """Items of a delivered order go back for money."""

    item_ids: tuple[str, ...]
    """As `OrderLine.item_id`, one for each unit."""


@dataclass(frozen=True, kw_only=True)
class ExchangeItems:
    """Items for other variants of the same products: of a pending order at once, of a delivered one by sending them back."""

    item_ids: tuple[str, ...]
    """As `OrderLine.item_id`, one for each unit."""
    new_item_ids: tuple[str, ...]
    """The variant that comes for each of them."""


Action = Cancel | ChangeAddress | ReturnItems | ExchangeItems


@dataclass(frozen=True, kw_only=True)
class DeskRequest:
    """One action with one order, asked for by someone with a proof."""

    key: str
    """Of the caller: the same key means the same request, which is carried out once."""
    order_id: str
    action: Action
    proof: Proof
    confirmed: bool
    """Whether the customer has said yes to exactly this. If not, nothing is done: the receipt says what would be."""


Outcome = Literal["done", "unconfirmed", "refused", "in_doubt"]
"""unconfirmed: it could be done, and was not. in_doubt: the shop's system did not answer; it may or may not have done it."""
Reason = Literal[
    "",
    "no_such_order",
    "not_pending",
    "not_delivered",
    "no_such_item",
    "no_such_variant",
    "other_product",
    "same_variant",
    "not_available",
    "no_address",
    "same_address",
    "other_currency",
    "key_reused",
    "shop_refused",
    "unreachable",
]
"""Why not. no_such_order: none that this proof opens. unreachable: the shop's system took nothing; later it may."""


@dataclass(frozen=True, kw_only=True)
class DeskReceipt:
    """What became of a request. The same key gets the same receipt."""

    key: str
    order_id: str
    outcome: Outcome
    reason: Reason = ""
    order: Order | None = None
    """As it stands now; None where the proof opens none."""
    balance: Money | None = None
    """What the customer still pays for it; negative: gets back. None where the shop's system decides, or nobody knows."""
    detail: str = ""
    """What the shop's system said, for operators."""


class ServiceDesk(Protocol):
    """Changes orders for customers: in our tables, or through the shop's own system."""

    def perform(self, requests: Sequence[DeskRequest]) -> list[DeskReceipt]:
        """Do what is asked, each key once; one receipt a request, in order."""
        ...
