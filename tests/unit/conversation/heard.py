"""Understandings made by hand, and a small ontology, for tests of what follows from them."""

from collections.abc import Mapping
from typing import Any

from zhanggui.catalog.ontology import Aspect, Category, Ontology, Value
from zhanggui.conversation.understanding import Slot, Understanding

ONTOLOGY = Ontology(
    categories=(Category(path="Tea", labels={"zh": ("茶叶", "茶")}), Category(path="Clothing")),
    aspects=(
        Aspect(
            name="colour",
            labels={"zh": ("颜色",)},
            values=(Value(value="blue", labels={"zh": ("蓝色",)}), Value(value="red", labels={"zh": ("红色",)})),
        ),
        Aspect(name="material", values=(Value(value="silk"), Value(value="wool"), Value(value="cotton"))),
    ),
)


def heard(text: str, *intents: str, confidence: float = 0.9, language: Any = "en", **slots: Any) -> Understanding:
    """What was heard: slots by name, a value or several, each a text or what a Slot takes."""
    made = []
    for name, values in slots.items():
        for value in values if isinstance(values, list) else [values]:
            more: Mapping[str, Any] = value if isinstance(value, dict) else {"value": value}
            start = max(0, text.find(str(more["value"])))
            made.append(Slot(name=name, start=start, end=start + len(str(more["value"])), **more))
    return Understanding(
        text=text,
        language=language,
        intents=dict.fromkeys(intents, confidence),
        slots=tuple(sorted(made, key=lambda slot: slot.start)),
        confidence=confidence,
    )
