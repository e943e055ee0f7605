"""Fills slots by rules: patterns first, then the words of the shop; and normalises a span that somebody else found.

Linear in the length of the text, of which the first 2,000 signs are read. Knows no intents.
"""

from collections.abc import Iterable
from datetime import date

from zhanggui.conversation.understand.amounts import amounts
from zhanggui.conversation.understand.contacts import contacts
from zhanggui.conversation.understand.dates import dates
from zhanggui.conversation.understand.lexicon import Lexicon
from zhanggui.conversation.understand.measures import quantities, sizes
from zhanggui.conversation.understand.negation import with_negation
from zhanggui.conversation.understand.prices import prices
from zhanggui.conversation.understand.references import references
from zhanggui.conversation.understanding import Slot

LONGEST = 2_000
"""Signs of an utterance that are read."""


def fill(text: str, words: Lexicon, *, today: date, asked: str = "") -> tuple[Slot, ...]:
    """The slots of a folded text; where two claim the same signs, the surer pattern has them."""
    numbers = amounts(text)
    claims = (
        contacts(text),
        dates(text, today=today),
        prices(text, numbers, asked=asked),
        sizes(text, numbers, asked=asked),
        references(text),
        words.find(text),
        quantities(text, numbers, asked=asked),
    )
    return with_negation(text, without_overlap(claims))


def without_overlap(claims: Iterable[Iterable[Slot]]) -> list[Slot]:
    """The slots of these groups that share no sign with one of a group before, or with a longer one of their own."""
    taken: set[int] = set()
    slots: list[Slot] = []
    for group in claims:
        for slot in sorted(group, key=lambda one: one.start - one.end):
            places = range(slot.start, slot.end)
            if taken.isdisjoint(places):
                taken.update(places)
                slots.append(slot)
    return sorted(slots, key=lambda one: one.start)
