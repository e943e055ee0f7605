"""One row of plain data as a statement of the shop about an order, or why not. Knows the fields, not where rows come from."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit

from zhanggui.errors import EventError, OrderError
from zhanggui.events.ids import identifier
from zhanggui.money import Money, to_minor
from zhanggui.service.order import OrderLine, Payment, Shipment, State
from zhanggui.service.order_facts import Statement, line_data, money_data, payment_field, shipment_field
from zhanggui.service.order_state import state_named

_PARTS = {
    "lines": frozenset({"product_id", "variant_id", "title", "options", "price", "quantity"}),
    "payments": frozenset({"payment_id", "kind", "amount", "method", "at"}),
    "shipments": frozenset({"tracking", "carrier", "url", "item_ids"}),
}
_LONGEST, _MOST = 1_000, 500
_MOST_MONEY = 1e12
_AHEAD = timedelta(days=1)
"""So far ahead of ours a shop's clock may be: a statement from the future would hold for ever."""
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row whose names are known, with what holds where it says nothing."""

    values: Mapping[str, Any]
    currency: str
    at: datetime


def read(row: Any, *, currency: str, now: datetime, source: str) -> Statement:
    """Check one row. `currency` holds where it names none, `now` where it does not say as of when. Raises OrderError with the
    field. What a row leaves out stays as it was; payments and shipments are added by their ids.
    """
    values = _object(row, "", _FIELDS)
    order_id = _id(values.get("order_id"), "order_id")
    if order_id is None:
        raise OrderError("it is missing, or stands for nothing", field="order_id", hint="every order needs its number")
    at = _moment(values.get("updated_at"), "updated_at") or now
    if at > now + _AHEAD:
        raise OrderError(
            "it is in the future", field="updated_at", hint="when the order came to stand as the row has it"
        )
    code = _text(values.get("currency"), "currency").upper() or currency
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise OrderError("it is no currency", field="currency", hint="an ISO 4217 code, as CNY")
    placed_at = _moment(values.get("placed_at"), "placed_at") or at
    checked = _Row(values=values, currency=code, at=placed_at)
    fields: dict[str, Any] = {"placed_at": placed_at.isoformat()}
    for name, read_field in _READERS.items():
        if values.get(name) is not None:
            fields |= read_field(checked)
    return Statement(order_id=order_id, at=at, source=source, fields=fields)


def _customer(row: _Row) -> dict[str, Any]:
    customer_id = _id(row.values["customer_id"], "customer_id")
    return {} if customer_id is None else {"customer_id": customer_id}


def _state(row: _Row) -> dict[str, Any]:
    state = state_named(_text(row.values["state"], "state"))
    if state is None:
        raise OrderError("there is no such state", field="state", hint=", ".join(get_args(State)))
    return {"state": state}


def _total(row: _Row) -> dict[str, Any]:
    return {"total": money_data(_money(row.values["total"], row.currency, "total"))}


def _address(row: _Row) -> dict[str, Any]:
    return {"address": _texts(row.values["address"], "address")}


def _lines(row: _Row) -> dict[str, Any]:
    lines = _each(row.values["lines"], "lines", lambda one, where: _line(one, row.currency, where))
    return {"lines": [line_data(line) for line in lines]}


def _line(values: Mapping[str, Any], currency: str, where: str) -> OrderLine:
    product_id = _id(values.get("product_id"), f"{where}.product_id")
    if product_id is None:
        raise OrderError("it is missing, or stands for nothing", field=f"{where}.product_id")
    price, quantity = values.get("price"), values.get("quantity", 1)
    return OrderLine(
        product_id=product_id,
        variant_id=_id(values.get("variant_id"), f"{where}.variant_id") or "",
        title=_text(values.get("title"), f"{where}.title"),
        options=_texts(values.get("options", {}), f"{where}.options"),
        price=None if price is None else _money(price, currency, f"{where}.price"),
        quantity=_quantity(quantity, f"{where}.quantity"),
    )


def _payments(row: _Row) -> dict[str, Any]:
    given = _each(row.values["payments"], "payments", lambda values, where: (values, where))
    return dict(payment_field(_payment(one, row, where, number)) for number, (one, where) in enumerate(given, 1))


def _payment(values: Mapping[str, Any], row: _Row, where: str, number: int) -> Payment:
    kind = _text(values.get("kind"), f"{where}.kind") or "payment"
    if kind not in ("payment", "refund"):
        raise OrderError("it is neither payment nor refund", field=f"{where}.kind")
    return Payment(
        payment_id=_id(values.get("payment_id"), f"{where}.payment_id") or str(number),
        kind="refund" if kind == "refund" else "payment",
        amount=_money(values.get("amount"), row.currency, f"{where}.amount"),
        method=_text(values.get("method"), f"{where}.method"),
        at=_moment(values.get("at"), f"{where}.at") or row.at,
    )


def _shipments(row: _Row) -> dict[str, Any]:
    return dict(shipment_field(one) for one in _each(row.values["shipments"], "shipments", _shipment))


def _shipment(values: Mapping[str, Any], where: str) -> Shipment:
    tracking = _id(values.get("tracking"), f"{where}.tracking")
    if tracking is None:
        raise OrderError("it is missing", field=f"{where}.tracking", hint="the carrier's number of the parcel")
    item_ids = values.get("item_ids", [])
    if not isinstance(item_ids, list) or len(item_ids) > _MOST:
        raise OrderError(f"it is not a list of at most {_MOST} items", field=f"{where}.item_ids")
    return Shipment(
        tracking=tracking,
        carrier=_text(values.get("carrier"), f"{where}.carrier"),
        url=_url(values.get("url"), f"{where}.url"),
        item_ids=tuple(text for one in item_ids if (text := _text(one, f"{where}.item_ids"))),
    )


def _plain(name: str) -> Callable[[_Row], dict[str, Any]]:
    return lambda row: {name: _text(row.values[name], name)}


_READERS: Mapping[str, Callable[[_Row], dict[str, Any]]] = {
    "customer_id": _customer,
    "state": _state,
    "total": _total,
    "email": _plain("email"),
    "phone": _plain("phone"),
    "cancel_reason": _plain("cancel_reason"),
    "address": _address,
    "lines": _lines,
    "payments": _payments,
    "shipments": _shipments,
}
_FIELDS = frozenset({*_READERS, "order_id", "currency", "placed_at", "updated_at"})


def _object(value: Any, where: str, names: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OrderError("it is not an object", field=where, hint=", ".join(sorted(names)))
    if unknown := sorted(str(name) for name in set(value) - names):
        place = f"{where}.{unknown[0]}" if where else unknown[0]
        raise OrderError("there is no such field", field=place, hint=", ".join(sorted(names)))
    return value


def _each(values: Any, name: str, read_one: Callable[[Mapping[str, Any], str], _T]) -> list[_T]:
    if not isinstance(values, list) or len(values) > _MOST:
        raise OrderError(f"it is not a list of at most {_MOST} objects", field=name)
    places = [(value, f"{name}[{number}]") for number, value in enumerate(values)]
    return [read_one(_object(value, where, _PARTS[name]), where) for value, where in places]


def _id(value: Any, field: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise OrderError("it is no text", field=field)
    try:
        text = identifier(value, field)
    except EventError as error:
        raise OrderError(f"it {error.problem}", field=field, hint=error.hint) from None
    if text is not None and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise OrderError("it has half of a character", field=field, hint="a surrogate without its other half")
    return text


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise OrderError("it is no text", field=field)
    if len(str(value)) > _LONGEST:
        raise OrderError(f"it is longer than {_LONGEST} characters", field=field)
    return "".join(sign for sign in " ".join(str(value).split()) if sign.isprintable())


def _texts(value: Any, field: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > _MOST:
        raise OrderError("it is not an object of names and texts", field=field)
    named = {_text(name, field): _text(part, f"{field}.{name}") for name, part in value.items()}
    return {name: text for name, text in named.items() if name and text}


def _money(value: Any, currency: str, field: str) -> Money:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise OrderError("it is missing or no amount", field=field, hint="in major units, such as 19.99")
    try:
        minor = to_minor(value, currency) if abs(float(value)) <= _MOST_MONEY else None
    except (ValueError, OverflowError):
        minor = None
    if minor is None:
        raise OrderError(f"{str(value)[:40]!r} is no amount", field=field, hint="in major units, such as 19.99")
    if minor < 0:
        raise OrderError("it is negative", field=field, hint="what goes back is a payment of the kind refund")
    return Money(currency=currency, minor=minor)


def _quantity(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OrderError("it is no number", field=field)
    if not math.isfinite(value) or not 0 < value <= 1_000_000:
        raise OrderError("it is no sensible quantity", field=field)
    return float(value)


def _moment(value: Any, field: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise OrderError("it is no moment", field=field, hint="such as 2026-01-31T12:00:00+08:00") from error


def _url(value: Any, field: str) -> str:
    text = _text(value, field)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not set(" <>\"'`") & set(text)
    except ValueError:
        fine = False
    if not fine:
        raise OrderError("it is no web address", field=field, hint="http:// or https://")
    return text
