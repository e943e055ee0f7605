"""A query as operators and programs write it, in texts: `colour=blue`, `300`, `-price`. Knows no index."""

from collections.abc import Iterable
from typing import get_args

from zhanggui.catalog.search.query import Query, Sort
from zhanggui.errors import InputError
from zhanggui.money import Money, to_minor

_MOST = 100


def read_query(
    text: str,
    *,
    currency: str,
    category: str = "",
    where: Iterable[str] = (),
    without: Iterable[str] = (),
    price_min: str = "",
    price_max: str = "",
    in_stock: bool = False,
    sort: str = "relevance",
    offset: int = 0,
    limit: int = 10,
) -> Query:
    """The query. Raises InputError that names the field, what is wrong with it and what to write."""
    if sort not in get_args(Sort):
        raise InputError(f"{sort!r} is no order", field="sort", hint=f"one of {', '.join(get_args(Sort))}")
    if not 1 <= limit <= _MOST:
        raise InputError(f"it is {limit}", field="limit", hint=f"1 to {_MOST}")
    if offset < 0:
        raise InputError(f"it is {offset}", field="offset", hint="0 or more")
    return Query(
        text=text,
        category=category,
        wanted=_pairs(where, "where"),
        unwanted=_pairs(without, "without"),
        price_min=_amount(price_min, currency, "price_min"),
        price_max=_amount(price_max, currency, "price_max"),
        in_stock=in_stock,
        sort="price" if sort == "price" else "-price" if sort == "-price" else "relevance",
        offset=offset,
        limit=limit,
    )


def _pairs(given: Iterable[str], field: str) -> dict[str, tuple[str, ...]]:
    """Aspect -> values; an aspect that is given several times may have any of its values."""
    pairs: dict[str, tuple[str, ...]] = {}
    for pair in given:
        aspect, sign, value = (part.strip() for part in pair.partition("="))
        if not (aspect and sign and value):
            raise InputError(f"{pair[:60]!r} is no aspect and value", field=field, hint="such as colour=blue")
        pairs[aspect] = (*pairs.get(aspect, ()), value)
    return pairs


def _amount(text: str, currency: str, field: str) -> Money | None:
    if not text.strip():
        return None
    amount, _, named = text.strip().partition(" ")
    code = named.strip().upper() or currency
    try:
        minor = to_minor(amount, code)
    except ValueError as error:
        raise InputError(str(error), field=field, hint=f"such as 300 or 300 {currency}") from error
    if minor < 0 or not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise InputError(f"{text[:40]!r} is no price", field=field, hint=f"such as 300 or 300 {currency}")
    return Money(currency=code, minor=minor)
