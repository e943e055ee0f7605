"""Gives spans that a model found the values that the shop's ontology and the rules know for them. Knows no model."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from zhanggui.conversation.understand.amounts import amounts
from zhanggui.conversation.understand.contacts import contacts
from zhanggui.conversation.understand.dates import dates
from zhanggui.conversation.understand.language import fold_signs
from zhanggui.conversation.understand.lexicon import Lexicon
from zhanggui.conversation.understand.measures import quantities, sizes
from zhanggui.conversation.understand.negation import with_negation
from zhanggui.conversation.understand.prices import prices
from zhanggui.conversation.understand.references import references
from zhanggui.conversation.understand.tags import Span
from zhanggui.conversation.understanding import SLOTS, Slot


def normalised(text: str, spans: Iterable[Span], words: Lexicon, aspects: Lexicon, *, today: date) -> tuple[Slot, ...]:
    """The slots that these spans fill: each with the value that a rule reads at its place, else as it was written."""
    folded = fold_signs(text)
    numbers = amounts(folded)
    read = (
        *contacts(folded), *dates(folded, today=today), *prices(folded, numbers, asked="price"), *sizes(folded, numbers, asked="size"),
        *references(folded), *words.find(folded), *aspects.find(folded), *quantities(folded, numbers, asked="quantity"),
    )  # fmt: skip
    slots = []
    for name, start, end in spans:
        if name not in SLOTS:
            continue
        there = [slot for slot in read if slot.name == name and slot.start < end and start < slot.end]
        nearest = min(there, key=lambda slot: abs(slot.start - start) + abs(slot.end - end), default=None)
        if nearest is not None and name != "address":
            slots.append(replace(nearest, start=start, end=end))
        else:
            value = text[start:end] if name == "address" else folded[start:end]
            operator = "exactly" if name == "price" else ""
            slots.append(Slot(name=name, value=value, start=start, end=end, operator=operator))
    return with_negation(folded, slots)
