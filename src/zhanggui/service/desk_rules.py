"""What may be done with an order, what it costs, and how the order stands afterwards. Pure; knows no proof and no table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from zhanggui.catalog.product import Product
from zhanggui.money import Money
from zhanggui.service.desk import Action, Cancel, ChangeAddress, ExchangeItems, Reason, ReturnItems
from zhanggui.service.exchange_choice import product_variant
from zhanggui.service.order import Order, OrderLine, Payment, Return

_MOST_PARTS, _LONGEST = 20, 1_000


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """Whether an action may be done: the order as it would stand, or the reason why not."""

    order: Order | None = None
    reason: Reason = ""
    balance: Money | None = None
    """What the customer would still pay; negative: would get back. None where nobody knows, or nothing is paid."""


def rule(order: Order, action: Action, *, products: Mapping[str, Product], key: str, now: datetime) -> Ruling:
    """Judge an action. `products`: those of the items that it names, by the items' ids; `key` names what it adds."""
    match action:
        case Cancel():
            return _cancel(order, action, key, now)
        case ChangeAddress():
            return _change_address(order, action)
        case ReturnItems():
            return _return(order, action, key, now)
        case ExchangeItems():
            return _exchange(order, action, products, key, now)
        case _:
            assert_never(action)


def items_of(action: Action) -> tuple[str, ...]:
    """The items that an action names, the new ones too."""
    match action:
        case ReturnItems():
            return action.item_ids
        case ExchangeItems():
            return (*action.item_ids, *action.new_item_ids)
        case _:
            return ()


def _cancel(order: Order, action: Cancel, key: str, now: datetime) -> Ruling:
    if order.state != "pending":
        return Ruling(reason="not_pending")
    paid: Counter[tuple[str, str]] = Counter()
    for payment in order.payments:
        if payment.amount is not None:
            sign = 1 if payment.kind == "payment" else -1
            paid[payment.method, payment.amount.currency] += sign * payment.amount.minor
    refunds = tuple(
        _payment("refund", Money(currency=currency, minor=minor), f"{key}-{number}", method, now)
        for number, ((method, currency), minor) in enumerate(sorted(paid.items()))
        if minor > 0
    )
    after = replace(
        order, state="cancelled", cancel_reason=action.reason[:_LONGEST], payments=(*order.payments, *refunds)
    )
    amounts = [refund.amount for refund in refunds if refund.amount is not None]
    one_currency = len({amount.currency for amount in amounts}) == 1
    back = Money(currency=amounts[0].currency, minor=-sum(one.minor for one in amounts)) if one_currency else None
    return Ruling(order=after, balance=back)


def _change_address(order: Order, action: ChangeAddress) -> Ruling:
    if order.state != "pending":
        return Ruling(reason="not_pending")
    parts = list(action.address.items())[:_MOST_PARTS]
    address = {name.strip()[:_LONGEST]: text.strip()[:_LONGEST] for name, text in parts if text.strip()}
    if not address:
        return Ruling(reason="no_address")
    if address == dict(order.address):
        return Ruling(reason="same_address")
    return Ruling(order=replace(order, address=address))


def _return(order: Order, action: ReturnItems, key: str, now: datetime) -> Ruling:
    if order.state != "delivered":
        return Ruling(reason="not_delivered")
    if not _holds(order, action.item_ids):
        return Ruling(reason="no_such_item")
    prices = [_price(order, item_id) for item_id in action.item_ids]
    known = [price for price in prices if price is not None]
    whole = len(known) == len(prices) and len({price.currency for price in known}) == 1
    back = Money(currency=known[0].currency, minor=-sum(price.minor for price in known)) if whole else None
    asked = Return(return_id=key, kind="return", item_ids=action.item_ids, balance=back, requested_at=now)
    return Ruling(order=replace(order, state="return requested", returns=(*order.returns, asked)), balance=back)


def _exchange(order: Order, action: ExchangeItems, products: Mapping[str, Product], key: str, now: datetime) -> Ruling:
    if order.state not in ("pending", "delivered"):
        return Ruling(reason="not_delivered")
    if len(action.item_ids) != len(action.new_item_ids) or not _holds(order, action.item_ids):
        return Ruling(reason="no_such_item")
    pairs = list(zip(action.item_ids, action.new_item_ids, strict=True))
    for item_id, new_item_id in pairs:
        if reason := _why_not(order, item_id, new_item_id, products):
            return Ruling(reason=reason)
    prices = [
        (_price(order, item_id), products[new_item_id].price_at(now, new_item_id)) for item_id, new_item_id in pairs
    ]
    if any(old is not None and old.currency != new.currency for old, new in prices):
        return Ruling(reason="other_currency")
    differences = [new.minor - old.minor for old, new in prices if old is not None]
    currency = prices[0][1].currency
    balance = Money(currency=currency, minor=sum(differences)) if len(differences) == len(prices) else None
    if order.state == "delivered":
        asked = Return(
            return_id=key,
            kind="exchange",
            item_ids=action.item_ids,
            new_item_ids=action.new_item_ids,
            balance=balance,
            requested_at=now,
        )
        after = replace(order, state="exchange requested", returns=(*order.returns, asked))
        return Ruling(order=after, balance=balance)
    lines = order.lines
    for item_id, new_item_id in pairs:
        lines = _swapped(lines, item_id, products[new_item_id], new_item_id, now)
    return Ruling(order=_settled(replace(order, lines=lines), balance, key, now), balance=balance)


def _why_not(order: Order, item_id: str, new_item_id: str, products: Mapping[str, Product]) -> Reason:
    product, line = products.get(new_item_id), order.line(item_id)
    variant = product_variant(product, new_item_id) if product is not None else None
    if product is None or variant is None or line is None:
        return "no_such_variant"
    owner = products.get(item_id)  # some shops name a variant where the product should be
    if product.product_id != (owner.product_id if owner else line.product_id):
        return "other_product"
    if new_item_id == item_id:
        return "same_variant"
    return "not_available" if variant.sold_out else ""


def _holds(order: Order, item_ids: Sequence[str]) -> bool:
    """Whether the order holds so many units of each of these items, and some are named."""
    named, held = Counter(item_ids), order.units()
    return bool(named) and all(count <= held[item_id] for item_id, count in named.items())


def _price(order: Order, item_id: str) -> Money | None:
    """What a unit was sold for; of a part of one (0.4 kg) what was paid for it."""
    line = order.line(item_id)
    if line is None or line.price is None:
        return None
    return Money(currency=line.price.currency, minor=round(line.price.minor * min(1.0, line.quantity)))


def _swapped(
    lines: tuple[OrderLine, ...], item_id: str, product: Product, new_item_id: str, now: datetime
) -> tuple[OrderLine, ...]:
    """The lines with one unit of an item as another variant, at its place."""
    at = next(number for number, line in enumerate(lines) if line.item_id == item_id)
    old = lines[at]
    new = replace(
        old,
        variant_id=new_item_id,
        options=dict(product.variant(new_item_id).options),
        price=product.price_at(now, new_item_id),
        quantity=min(1.0, old.quantity),
    )
    left = (replace(old, quantity=old.quantity - 1),) if old.quantity > 1 else ()
    same = next((line for line in lines if line.item_id == new_item_id and line.price == new.price), None)
    if same is None:
        return (*lines[:at], *left, new, *lines[at + 1 :])
    grown = replace(same, quantity=same.quantity + new.quantity)
    others = (*lines[:at], *left, *lines[at + 1 :])
    return tuple(grown if line is same else line for line in others)


def _settled(order: Order, balance: Money | None, key: str, now: datetime) -> Order:
    """The order with what is paid, or paid back, for the difference, the way it was paid before."""
    if balance is None or balance.minor == 0:
        return order
    method = next((payment.method for payment in order.payments if payment.kind == "payment"), "")
    amount = Money(currency=balance.currency, minor=abs(balance.minor))
    settled = _payment("payment" if balance.minor > 0 else "refund", amount, key, method, now)
    same = order.total is not None and order.total.currency == balance.currency
    total = Money(currency=balance.currency, minor=order.total.minor + balance.minor) if order.total and same else None
    return replace(order, total=total or order.total, payments=(*order.payments, settled))


def _payment(kind: Literal["payment", "refund"], amount: Money, key: str, method: str, now: datetime) -> Payment:
    return Payment(payment_id=key, kind=kind, amount=amount, method=method, at=now)
