"""What a customer bought, as one frozen noun with its lines, payments, shipments and returns. Knows no table and no event."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zhanggui.money import Money

State = Literal[
    "pending",
    "processed",
    "shipped",
    "delivered",
    "cancelled",
    "return requested",
    "exchange requested",
    "returned",
    "refunded",
]
"""pending: nothing has begun with it yet. processed: it is being packed, or waits for the carrier."""


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """One product, or one variant of it, in an order."""

    product_id: str
    variant_id: str = ""
    title: str = ""
    """As it was sold; "" where nobody said so."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What the variant is, as the shop wrote it ("Color": "blue")."""
    price: Money | None = None
    """Of one unit."""
    quantity: float = 1.0

    @property
    def item_id(self) -> str:
        """What a return or an exchange names it by: the variant, or the product where it has none."""
        return self.variant_id or self.product_id


@dataclass(frozen=True, kw_only=True)
class Payment:
    """Money that came for an order, or went back."""

    payment_id: str
    kind: Literal["payment", "refund"]
    amount: Money | None
    """None where a refund named no amount: the whole order."""
    method: str = ""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """One parcel of an order."""

    tracking: str
    carrier: str = ""
    url: str = ""
    """Where it can be followed."""
    item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Return:
    """Items that go back, for money or for other variants."""

    return_id: str
    kind: Literal["return", "exchange"]
    item_ids: tuple[str, ...]
    """One for each unit."""
    new_item_ids: tuple[str, ...] = ()
    """Of an exchange: what comes for each of `item_ids`."""
    balance: Money | None = None
    """What the customer still pays; negative: gets back."""
    requested_at: datetime


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as it stands. Texts are the shop's; "" where nobody said so."""

    order_id: str
    customer_id: str
    """A user's id, or that of the device on which a guest bought."""
    state: State
    lines: tuple[OrderLine, ...] = ()
    total: Money | None = None
    email: str = ""
    phone: str = ""
    address: Mapping[str, str] = field(default_factory=dict)
    """Where it goes, by the shop's own names of the parts, in their order."""
    payments: tuple[Payment, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()
    cancel_reason: str = ""
    placed_at: datetime
    updated_at: datetime

    def units(self) -> Counter[str]:
        """How many units of each item it holds; a part of one (0.4 kg) counts as one."""
        held: Counter[str] = Counter()
        for line in self.lines:
            held[line.item_id] += max(1, int(line.quantity))
        return held

    def line(self, item_id: str) -> OrderLine | None:
        """The line of an item, if it holds one."""
        return next((line for line in self.lines if line.item_id == item_id), None)
