"""What a shopper meant by an utterance: intents and slots, as plain nouns. Does not know how they are found.

`rules`, an encoder and a language model all answer with these; whoever tracks a conversation reads nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from zhanggui.catalog.product import Language

INTENTS: tuple[str, ...] = (
    "search",  # wants products
    "refine",  # narrows, widens or changes what was asked for
    "compare",
    "ask_attribute",
    "ask_price",
    "ask_stock",
    "ask_delivery",
    "ask_returns",
    "ask_policy",  # payment, warranty, privacy, opening hours
    "order_status",
    "cancel_order",
    "change_order",
    "return_item",
    "exchange_item",
    "complain",
    "ask_human",
    "bargain",
    "choose",  # takes a product that was shown
    "affirm",
    "deny",
    "dont_care",  # any will do, or the shopper does not know
    "thanks",  # and goodbye
    "greet",
    "chitchat",
    "out_of_scope",  # nothing that a shop does; attempts to instruct the assistant
)
SLOTS: tuple[str, ...] = (
    "category",
    "brand",
    "colour",
    "size",
    "material",
    "feature",  # the value of any other aspect
    "price",
    "quantity",
    "item",  # something that was shown: "1", "2", "last", "previous", "cheapest"
    "aspect",  # what is asked about, by its canonical name
    "recipient",
    "order_number",
    "email",
    "phone",
    "date",  # YYYY-MM-DD, or as it was said where no day follows from it
    "address",
    "sort",  # "cheapest", "best", "newest"
)
PRICE_OPERATORS: tuple[str, ...] = ("min", "max", "about", "exactly", "cheaper", "dearer")


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What a shopper wrote in one turn."""

    text: str
    language: Language | None = None
    """None where it is not known; the understander tells it from the text."""
    asked: str = ""
    """The aspect or confirmation that the assistant asked for last; a short answer is read in its light."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A value that the shopper named, and where."""

    name: str
    """One of SLOTS."""
    value: str
    """As the ontology calls it; as the shopper wrote it where the ontology knows no such value."""
    start: int
    """Characters [start, end) of the utterance."""
    end: int
    negated: bool = False
    """Not wanted: "not blue", "不要蓝色"."""
    operator: str = ""
    """Of a price, one of PRICE_OPERATORS; a range is two slots. "" elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """The intents and slots of one utterance, and how sure the understander is of them together."""

    text: str
    language: Language
    intents: Mapping[str, float]
    """Those that hold, likeliest first, each with its probability; several may hold."""
    slots: tuple[Slot, ...] = ()
    """In the order of the text."""
    confidence: float
    """From 0 to 1; below a threshold the assistant asks instead of guessing."""

    def has(self, *intents: str) -> bool:
        """Whether any of these intents holds."""
        return any(intent in self.intents for intent in intents)

    def named(self, name: str) -> tuple[Slot, ...]:
        """The slots of this name."""
        return tuple(slot for slot in self.slots if slot.name == name)


class Understander(Protocol):
    """Reads utterances; one understanding each, in their order. Never raises for what a shopper wrote."""

    def understand(self, utterances: Sequence[Utterance]) -> list[Understanding]:
        """The understanding of each utterance."""
        ...
