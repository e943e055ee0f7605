"""Measures understandings against labels: micro F1 of intents, of slots by span, of slots by value. Knows no understander."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understanding import Slot, Understanding

NORMALISED = frozenset({"colour", "size", "material", "price", "quantity", "item", "aspect", "email", "phone", "date", "order_number", "sort"})  # fmt: skip
"""Slots whose values have one canonical text in any shop; the values of others are the shop's own."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Of one set of utterances, each from 0 to 1."""

    intent_f1: float
    """Micro F1 over all intents of all utterances."""
    slot_f1: float
    """Micro F1; a slot is right when its name and its span are."""
    value_f1: float
    """Micro F1 of the slots in NORMALISED; right when name, value, operator and negation are."""
    whole: float
    """Share of the utterances whose intents and slots are all right."""


def scores(rows: Sequence[Labelled], understood: Sequence[Understanding]) -> Scores:
    """How well `understood` says what the labels say."""
    pairs = list(zip(rows, understood, strict=True))
    intents: list[tuple[Set[object], Set[object]]] = [(set(row.intents), set(one.intents)) for row, one in pairs]
    spans = [(_spans(row.slots), _spans(one.slots)) for row, one in pairs]
    return Scores(
        intent_f1=micro_f1(intents),
        slot_f1=micro_f1(spans),
        value_f1=micro_f1((_values(row.slots), _values(one.slots)) for row, one in pairs),
        whole=sum(
            said == meant and found == there
            for (meant, said), (there, found) in zip(intents, spans, strict=True)
        ) / max(1, len(pairs)),
    )  # fmt: skip


def micro_f1(pairs: Iterable[tuple[Set[object], Set[object]]]) -> float:
    """F1 over all the members of (right, said) sets together; 1 where there is nothing to find and nothing was said."""
    right = said = both = 0
    for expected, answered in pairs:
        right, said, both = right + len(expected), said + len(answered), both + len(expected & answered)
    return 2 * both / (right + said) if right + said else 1.0


def _spans(slots: Iterable[Slot]) -> set[object]:
    return {(slot.name, slot.start, slot.end) for slot in slots}


def _values(slots: Iterable[Slot]) -> set[object]:
    return {(slot.name, slot.value.lower(), slot.negated, slot.operator) for slot in slots if slot.name in NORMALISED}
