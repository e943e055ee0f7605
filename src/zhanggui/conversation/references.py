"""Which products an utterance means: by place in what was shown, by price, or by name. Pure; knows no search."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from zhanggui.catalog.product import Language, Product
from zhanggui.conversation.state import BeliefState

_NAMED = 0.6
"""A product is named where so much of its title is said."""
_WORD = re.compile(r"[a-z0-9']+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SMALL = frozenset(("a", "an", "the", "of", "and", "with", "for", "in", "s"))


def referred(state: BeliefState, items: Sequence[str]) -> tuple[str, ...]:
    """The shown products that "1", "last", "previous" or "cheapest" mean, in the order of speech."""
    meant: list[str] = []
    for item in items:
        meant += [product_id for product_id in _meant(state, item) if product_id not in meant]
    return tuple(meant)


def is_place(item: str) -> bool:
    """Whether something is referred to by its place in a list: "2", "last"."""
    return item.isdecimal() or item == "last"


def at_place(listed: Sequence[str], item: str) -> Sequence[str]:
    """What stands at a place of a list; nothing where the list has no such place."""
    if item == "last":
        return listed[-1:]
    place = int(item[:4])
    return listed[place - 1 : place] if place >= 1 else ()


def _meant(state: BeliefState, item: str) -> Iterable[str]:
    shown = state.shown
    if is_place(item):
        return at_place(shown, item)
    if item == "previous":
        return state.focus or shown[:1]
    among = state.focus if len(state.focus) > 1 else shown
    priced = [
        (amount, product_id) for product_id in among if (amount := _amount(state.prices.get(product_id, ""))) >= 0
    ]
    if item == "cheapest" and priced:
        return (min(priced)[1],)
    if item == "dearest" and priced:
        return (max(priced)[1],)
    return ()


def named(text: str, products: Iterable[Product], language: Language) -> tuple[str, ...]:
    """The products whose title the text says, in the order in which they are named; the longest title wins a place."""
    lowered = text.casefold()
    places: list[tuple[int, float, str]] = []
    for product in products:
        for title in {product.title(language), *product.titles.values()}:
            share, place = _said(title.casefold(), lowered)
            if share >= _NAMED:
                places.append((place, -share, product.product_id))
                break
    ordered: dict[str, None] = {}
    for _, _, product_id in sorted(places):
        ordered.setdefault(product_id)
    return tuple(ordered)


def _said(title: str, text: str) -> tuple[float, int]:
    """How much of a title a text says, and where it begins to."""
    signs = _CHINESE.findall(title)
    if len(signs) >= 2:
        parts = [title[at : at + 2] for at in range(len(title) - 1) if _CHINESE.match(title[at : at + 2])]
        hits = [text.find(part) for part in parts]
    else:
        words = set(_WORD.findall(text))
        parts = [word for word in _WORD.findall(title) if word not in _SMALL]
        hits = [
            text.find(part) if part in words or f"{part}s" in words or part.rstrip("s") in words else -1
            for part in parts
        ]
    there = [place for place in hits if place >= 0]
    return (len(there) / len(parts), min(there)) if parts and there else (0.0, -1)


def _amount(price: str) -> Decimal:
    try:
        return Decimal(price)
    except InvalidOperation:
        return Decimal(-1)
