"""Tells which values are not wanted: "not blue", "no polyester or nylon", 不要蓝色. Knows the words around a slot, no grammar."""

import re
from collections.abc import Sequence
from dataclasses import replace

from zhanggui.conversation.understanding import Slot

_NEGATED = frozenset({"colour", "material", "feature", "brand", "category", "size"})
_BEFORE = re.compile(
    r"(?a)(?:\bnot?\b|\ballergic to\b|\bwithout\b|\bexcept\b|\banything but\b|\binstead of\b|\brather than\b|\b(?:don'?t|do not|doesn'?t|does not|dont|doesnt) (?:want|like|need|drink|eat|wear|use)\b|\bhates?\b|\bavoid\b"
    r"|不要|别给我|别要|别|不是|不想要|不喜欢|不爱喝|不爱|不喝|不吃|不穿|不戴|不用|除了|讨厌|不含|非)(?: (?:a|an|any|the|in|too|really|my|more))?\s?(?:带|有|太)?$"
)
_LINK = re.compile(r"(?a)^(?: ?(?:or|nor|and|,|/|、|或者|或|和|跟|也不要|的) ?)+(?:the |any )?$")
_AFTER = re.compile(r"(?a)^(?:的)?(?:不要|就算了|除外|不行|过敏)|^ allerg")
_REPLACED = re.compile(r"(?a)^(?:的)?(?: not |，不是|,不是)")


def with_negation(text: str, slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """The slots of a folded text, in their order, those that are not wanted marked as such."""
    marked: list[Slot] = []
    for slot in sorted(slots, key=lambda one: one.start):
        if slot.name in _NEGATED and not slot.negated and _is_negated(text, slot, marked):
            slot = replace(slot, negated=True)
        marked.append(slot)
    return tuple(marked)


def _is_negated(text: str, slot: Slot, before: Sequence[Slot]) -> bool:
    if _AFTER.match(text[slot.end : slot.end + 6]):
        return True
    if _BEFORE.search(text[max(0, slot.start - 24) : slot.start]):
        return True
    # "not blue or green": what is linked to a negated value of the same kind is negated with it.
    previous = before[-1] if before else None
    between = text[previous.end : slot.start] if previous else ""
    return bool(
        previous and previous.negated and previous.name == slot.name and _LINK.match(between) and "," not in between
    )
