"""What an assistant believes of a conversation, rebuilt from its changes. Knows not how a change comes about.

A change sets one field and says why, so that a state is a fold over changes and can be explained field by field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from zhanggui.catalog.product import Language

NAMES = "names"
"""The aspect that what things are called stands under among what is unwanted."""
Stage = Literal["open", "shopping", "service", "with_person", "closed"]


@dataclass(frozen=True, kw_only=True)
class BeliefState:
    """What the shopper wants, what was put before them, and what is waited for. Every value is JSON-able."""

    language: Language = "zh"
    stage: Stage = "open"
    turn: int = 0
    """Turns that have been answered."""
    category: str = ""
    words: str = ""
    """Of the thing that is looked for, where no aspect holds them: "teapot", "围巾"."""
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Aspect -> values of which any will do."""
    unwanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    price_min: str = ""
    """In major units of the shop's currency; "" for none."""
    price_max: str = ""
    sort: str = ""
    recipient: str = ""
    quantity: int = 1
    shown: tuple[str, ...] = ()
    """Products put before the shopper last, in that order."""
    prices: Mapping[str, str] = field(default_factory=dict)
    """Product -> price as the shopper was told it last."""
    variants: Mapping[str, str] = field(default_factory=dict)
    """Product -> its variant that this price is of; none where it is the product's lowest."""
    focus: tuple[str, ...] = ()
    """Products that are spoken of."""
    asked: tuple[str, ...] = ()
    """Aspects that the assistant has asked for."""
    refused: tuple[str, ...] = ()
    """Aspects that the shopper does not care about."""
    expected: str = ""
    """What the assistant asked for last: an aspect, "confirm", "address", "proof", "order", "variant"; "" for
    nothing."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """What is being asked of the desk: its `action` and what is known of it; empty for nothing."""
    pending: str = ""
    """The desk's action that waits for an explicit yes."""
    orders: tuple[str, ...] = ()
    """Orders put before the shopper last, in that order; none once products were."""
    order_id: str = ""
    proven: Mapping[str, str] = field(default_factory=dict)
    """Orders that this shopper has shown to be theirs -> whose they are."""
    cited: Mapping[str, str] = field(default_factory=dict)
    """Section -> digest of its page as it was cited."""
    ontology: str = ""
    """Digest of the ontology that the constraints are written in."""
    misunderstood: int = 0
    """Turns in a row that were not understood."""
    person_spoke: bool = False
    """Whether a person of the shop has written: then the assistant keeps silent until it is given back."""
    complaints: int = 0
    """Turns in a row in which the shopper was angry."""

    @property
    def with_person(self) -> bool:
        """Whether a person of the shop has the conversation."""
        return self.stage == "with_person"

    @property
    def has_noun(self) -> bool:
        """Whether it is known what kind of thing is looked for."""
        return bool(self.category or self.words)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field of the state, its new value, and why."""

    field: str
    value: Any
    reason: str


_TUPLES = frozenset(member.name for member in fields(BeliefState) if str(member.type).startswith("tuple"))
_LISTS_BY_NAME = frozenset(("wanted", "unwanted"))


def apply(state: BeliefState, changes: Iterable[Change]) -> BeliefState:
    """The state after the changes, in their order."""
    for change in changes:
        state = replace(state, **{change.field: _value(change.field, change.value)})
    return state


def _value(name: str, value: Any) -> Any:
    """A value as the state holds it, also where it comes back from JSON."""
    if name in _TUPLES:
        return tuple(value)
    if name in _LISTS_BY_NAME:
        return {aspect: tuple(values) for aspect, values in value.items()}
    return value


def to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as JSON-able data."""
    return [{"field": change.field, "value": change.value, "reason": change.reason} for change in changes]


def from_json(data: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that `to_json` made the data from."""
    return [Change(field=change["field"], value=change["value"], reason=change["reason"]) for change in data]


def changed(state: BeliefState, reason: str, **values: Any) -> list[Change]:
    """A change for each of these values that is another one than the state's."""
    return [
        Change(field=name, value=value, reason=reason)
        for name, value in values.items()
        if getattr(state, name) != _value(name, value)
    ]
