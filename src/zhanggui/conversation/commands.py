"""From an understanding to commands: what the shopper wants changed in the search. Pure; knows no product and no answer.

Only what is about shopping becomes a command: chit-chat, thanks, complaints and questions fill no slots.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal

from zhanggui.catalog.ontology import Ontology
from zhanggui.conversation.state import NAMES, BeliefState
from zhanggui.conversation.understanding import Slot, Understanding

Kind = Literal[
    "anew", "category", "words", "drop_words", "want", "exclude", "allow", "limit", "sort", "recipient", "quantity"
]
ASPECT_SLOTS: Mapping[str, str] = {
    "brand": "brand",
    "colour": "colour",
    "size": "size",
    "material": "material",
    "feature": "",
}
"""Slot -> the aspect that it is a value of; a feature's is looked up."""
_SHOPPING = ("search", "refine", "dont_care", "choose")
_FINE = re.compile(r"\b(?:fine|ok(?:ay)?|all right|alright)\b|也行|也可以|也成|可以|没关系|无所谓", re.IGNORECASE)
_OR = re.compile(r"\b(?:or|also|too|as well)\b|或者?|也|都", re.IGNORECASE)
_ENDS = ("cheapest", "dearest")
_ABOUT = (Decimal("0.8"), Decimal("1.2"))
_NOT_DEAR = re.compile(
    r"\bnot (?:too|so|very|that|as) (?:expensive|pricey|dear)\b|(?:别|不要|不想|不能|不)太贵", re.IGNORECASE
)
_TOO_DEAR = re.compile(
    r"\b(?:too|so|very|that|as|bit|rather) (?:expensive|pricey|dear)\b|太贵|贵了|有点贵|好贵", re.IGNORECASE
)
"""Said of what was shown, it asks for something cheaper."""
_COMPARED = re.compile(r"^(?:(?:bigg|small|larg|long|short)er|[大小长短厚薄](?:一点|一号)|[厚薄])$")
"""Says how something is to be beside what was shown; no product is called so."""
_CENT = Decimal("0.01")
_LARGEST = Decimal(10) ** 9
_LONGEST_WORDS = 80


@dataclass(frozen=True, kw_only=True)
class Command:
    """One thing that the shopper wants changed, and the words that say so."""

    kind: Kind
    name: str = ""
    """Of an aspect, or the bound of a price: "price_min" or "price_max"."""
    value: str = ""
    adds: bool = False
    """Whether a value stands beside those there are; otherwise it replaces them."""
    said: str = ""


def commands(state: BeliefState, heard: Understanding, ontology: Ontology) -> list[Command]:
    """What the shopper wants changed, in the order in which it is to be done."""
    answers = state.expected in {aspect.name for aspect in ontology.aspects} | {"category", "price"}
    if not heard.has(*_SHOPPING) and not (answers and heard.slots):
        return []
    found = [command for slot in heard.slots for command in _of_slot(slot, state, heard, ontology)]
    said = heard.text[:_LONGEST_WORDS]
    if not heard.named("price") and (amounts := _told(state)):
        too_dear = asks_for(heard) == "cheaper"
        if too_dear or _NOT_DEAR.search(heard.text):
            bound = (min if too_dear else max)(amounts) - _CENT
            found.append(Command(kind="limit", name="price_max", value=_plain(bound), said=said))
    nouns = _nouns(found)
    if nouns and state.has_noun and all(command.adds for command in nouns):  # "lined": of what is looked for
        looked_for = (
            state.words if nouns[0].value.casefold() in state.words.casefold() else f"{state.words} {nouns[0].value}"
        )
        return [*(replace(command, value=looked_for.strip()) for command in nouns), *_without_nouns(found)]
    if heard.has("search") and not found and not state.has_noun:  # the search may know a word that nobody taught us
        nouns.append(Command(kind="words", value=said, said=said))
    others = _without_nouns(found)
    if nouns and state.has_noun and not _same_noun(state, nouns) and not answers:
        return [Command(kind="anew", said=nouns[-1].said), *nouns, *others]
    return [*nouns, *others]


def asks_for(heard: Understanding) -> str:
    """ "cheaper" or "dearer" than what was shown, where the shopper asks for that without an amount; "" otherwise."""
    for slot in heard.named("price"):
        if slot.operator in ("cheaper", "dearer"):
            return slot.operator
    too_dear = _TOO_DEAR.search(heard.text) and not _NOT_DEAR.search(heard.text) and not heard.named("price")
    return "cheaper" if too_dear else ""


def _without_nouns(found: list[Command]) -> list[Command]:
    return [command for command in found if command.kind not in ("category", "words")]


def _nouns(found: list[Command]) -> list[Command]:
    """The category that is named last, and then all words for the thing as one."""
    words = [command for command in found if command.kind == "words"]
    return [
        *[command for command in found if command.kind == "category"][-1:],
        *(
            [
                replace(
                    words[-1],
                    value=" ".join(dict.fromkeys(command.value for command in words)),
                    adds=all(command.adds for command in words),
                )
            ]
            if words
            else []
        ),
    ]


def _same_noun(state: BeliefState, nouns: list[Command]) -> bool:
    """Whether what is named is what is looked for already."""
    return all(
        noun.value == state.category
        if noun.kind == "category"
        else noun.value.casefold() in state.words.casefold() or state.words.casefold() in noun.value.casefold()
        for noun in nouns
    )


def _of_slot(slot: Slot, state: BeliefState, heard: Understanding, ontology: Ontology) -> Iterator[Command]:
    said = heard.text[slot.start : slot.end]
    if slot.name == "category":
        path = ontology.category(slot.value)
        if path is None and not slot.negated:
            value, noun = _value_before(slot.value, ontology)
            if value is not None:
                yield Command(kind="want", name=value[0], value=value[1], said=said)
                slot = replace(slot, value=noun)
        if slot.negated and _looked_for(state, path or slot.value):
            yield Command(kind="drop_words", value=path or slot.value, said=said)
        elif slot.negated:
            yield Command(kind="exclude", name=NAMES, value=slot.value, said=said)
        else:
            yield Command(kind="category" if path else "words", value=path or slot.value, said=said)
    elif slot.name in ASPECT_SLOTS:
        yield from _of_value(slot, state, heard, ontology, said)
    elif slot.name == "price":
        yield from _of_price(slot, state, said)
    elif slot.name == "sort" or (slot.value in _ENDS and slot.name == "item" and heard.named("category")):
        yield Command(kind="sort", value=slot.value, said=said)  # "the cheapest tea" is of all teas
    elif slot.name == "recipient":
        yield Command(kind="recipient", value=slot.value, said=said)
    elif slot.name == "quantity" and slot.value.isdecimal() and 1 <= int(slot.value[:4]) <= 999:
        yield Command(kind="quantity", value=str(int(slot.value[:4])), said=said)


def _looked_for(state: BeliefState, noun: str) -> bool:
    return noun == state.category or noun.casefold() in state.words.casefold()


def _value_before(noun: str, ontology: Ontology) -> tuple[tuple[str, str] | None, str]:
    """The material or colour that an English noun begins with, and the noun: "cotton", "socks"."""
    first, _, last = noun.partition(" ")
    for name in ("material", "colour"):
        aspect = ontology.aspect(name)
        if last and aspect and (value := aspect.value(first)):
            return (name, value), last
    return None, noun


def _of_value(slot: Slot, state: BeliefState, heard: Understanding, ontology: Ontology, said: str) -> Iterator[Command]:
    aspect, value = aspect_of(slot, ontology)
    if not aspect and slot.negated:
        yield Command(kind="exclude", name=NAMES, value=slot.value, said=said)
    elif not aspect and not _COMPARED.match(said.casefold()):  # as the shopper says it: it may have to be said again
        yield Command(kind="words", value=said, adds=True, said=said)
    if not aspect:
        return
    if slot.negated:
        yield Command(kind="exclude", name=aspect, value=value, said=said)
        return
    if value in state.unwanted.get(aspect, ()):
        yield Command(kind="allow", name=aspect, value=value, said=said)
        if _FINE.search(heard.text):
            return
    others = [other for other in heard.slots if other.name == slot.name and not other.negated and other is not slot]
    adds = bool(others and others[0].start < slot.start) or (not others and bool(_OR.search(heard.text)))
    yield Command(kind="want", name=aspect, value=value, adds=adds, said=said)


def aspect_of(slot: Slot, ontology: Ontology) -> tuple[str, str]:
    """The aspect of a value that the shopper named, and its canonical text; ("", "") where the ontology knows none."""
    named = ASPECT_SLOTS[slot.name]
    for aspect in ontology.aspects:
        if (not named or aspect.name == named) and (value := aspect.value(slot.value)):
            return aspect.name, value
    return "", ""


def _of_price(slot: Slot, state: BeliefState, said: str) -> Iterator[Command]:
    amount = _amount(slot.value)
    if slot.operator in ("cheaper", "dearer"):
        told = _told(state)
        if amount is None and told:
            amount = min(told) if slot.operator == "cheaper" else max(told)
        if amount is not None:
            bound = "price_max" if slot.operator == "cheaper" else "price_min"
            step = -_CENT if slot.operator == "cheaper" else _CENT
            yield Command(kind="limit", name=bound, value=_plain(amount + step), said=said)
    elif amount is None:
        return
    elif slot.operator == "about" or slot.operator == "exactly":
        for bound, factor in zip(("price_min", "price_max"), _ABOUT, strict=True):
            yield Command(kind="limit", name=bound, value=_plain(amount * factor), said=said)
    else:
        bound = "price_min" if slot.operator == "min" else "price_max"
        yield Command(kind="limit", name=bound, value=_plain(amount), said=said)


def _told(state: BeliefState) -> list[Decimal]:
    """The prices of the products that are spoken of, as the shopper was told them."""
    spoken = state.focus or state.shown
    known = [_amount(price) for name, price in state.prices.items() if name in spoken]
    return [price for price in known if price is not None]


def _amount(text: str) -> Decimal | None:
    """The number of "300" or "300 CNY"; None for what is no amount of money."""
    try:
        amount = Decimal(text.split()[0]) if text.split() else Decimal(-1)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= _LARGEST else None


def _plain(amount: Decimal) -> str:
    return f"{max(amount, Decimal(0)):f}".rstrip("0").rstrip(".") if amount % 1 else f"{max(amount, Decimal(0)):.0f}"
