"""More utterances out of few: values of slots exchanged for others that shops know, the labels moved along. Knows no model."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from zhanggui.catalog.product import Language
from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understanding import Slot

_EXCHANGED = frozenset({"category", "brand", "colour", "material", "feature", "recipient", "size"})
_SHARE = 0.5
"""Of the slots of an utterance that are exchanged, and of utterances that lose their end marks or capitals."""
Phrases = Mapping[tuple[str, Language], Sequence[str]]
"""What shoppers call the values of each slot, by language."""


def varied(row: Labelled, phrases: Phrases, dice: random.Random) -> Labelled:
    """`row` with some values exchanged for others of the same slot and language, as another shopper might have said it."""
    text, moved, slots = row.utterance.text, 0, []
    for slot in row.slots:
        start, end = slot.start + moved, slot.end + moved
        others = phrases.get((slot.name, "en" if text[start:end].isascii() else "zh"), ())
        if slot.name in _EXCHANGED and others and dice.random() < _SHARE:
            phrase = dice.choice(others)
            text = text[:start] + phrase + text[end:]
            moved += len(phrase) - (end - start)
            end = start + len(phrase)
        slots.append(Slot(name=slot.name, value=slot.value, start=start, end=end))
    if dice.random() < _SHARE:
        last = max((slot.end for slot in slots), default=0)
        text = text[: max(last, len(text.rstrip(".?!。？！~")))]
    return replace(row, utterance=replace(row.utterance, text=text or row.utterance.text), slots=tuple(slots))
