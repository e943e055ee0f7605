"""From commands to changes of the belief state, each with its reason. Pure; a state is rebuilt from its changes alone.

Commands that contradict each other, that the ontology does not know or that name another currency are cleaned away.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from zhanggui.catalog.ontology import Ontology
from zhanggui.conversation.commands import Command, commands
from zhanggui.conversation.references import at_place, is_place, referred
from zhanggui.conversation.state import BeliefState, Change, apply, changed
from zhanggui.conversation.understanding import Understanding

NOT_UNDERSTOOD = 0.35
"""Below this confidence the assistant asks instead of guessing."""


def track(state: BeliefState, heard: Understanding, ontology: Ontology, *, currency: str) -> list[Change]:
    """What changes in the state by what was heard."""
    tracker = _Tracker(state)
    tracker.set("it is the next turn", turn=state.turn + 1)
    if heard.text.strip():
        tracker.set(f"the shopper writes {heard.language}", language=heard.language)
    understood = is_understood(state, heard)
    tracker.set(
        "it was understood" if understood else f"the confidence is {heard.confidence:.2f}",
        misunderstood=0 if understood else state.misunderstood + 1,
    )
    if not understood or state.with_person:
        return tracker.changes
    if not is_awaited(state, heard):
        _hear_wishes(tracker, heard, ontology, currency)
    _hear_references(tracker, heard)
    _hear_service(tracker, heard)
    return tracker.changes


def _hear_wishes(tracker: "_Tracker", heard: Understanding, ontology: Ontology, currency: str) -> None:
    for command in cleaned(commands(tracker.state, heard, ontology), currency=currency):
        _obey(tracker, command)
    _hear_indifference(tracker, heard)


_ANEW: Mapping[str, object] = {
    "category": "",
    "words": "",
    "wanted": {},
    "unwanted": {},
    "price_min": "",
    "price_max": "",
    "sort": "",
    "quantity": 1,
    "asked": (),
    "refused": (),
    "expected": "",
}
"""What is forgotten when something else is looked for."""


def is_understood(state: BeliefState, heard: Understanding) -> bool:
    """Whether an utterance may be acted on: it is clear enough, or it is the answer that was waited for."""
    return heard.confidence >= NOT_UNDERSTOOD or is_awaited(state, heard)


def is_awaited(state: BeliefState, heard: Understanding) -> bool:
    """Whether an utterance holds what the assistant asked for about an order."""
    if state.expected == "variant":  # its values may be words that nobody taught us
        return bool(heard.slots) or heard.confidence < NOT_UNDERSTOOD
    return any(heard.named(name) for name in _AWAITED.get(state.expected, ()))


_AWAITED: Mapping[str, tuple[str, ...]] = {
    "address": ("address",),
    "proof": ("email", "phone", "order_number"),
    "order": ("order_number", "item"),
}


def means_order(state: BeliefState, heard: Understanding) -> bool:
    """Whether "the first one" is one of the orders that were listed last."""
    places = any(is_place(slot.value) for slot in heard.named("item"))
    return bool(state.orders) and places and not heard.named("category")


class _Tracker:
    """The state so far and the changes that led to it."""

    def __init__(self, state: BeliefState) -> None:
        self.state, self.changes = state, list[Change]()

    def set(self, reason: str, **values: object) -> None:
        """Give fields new values; those that have them already stay as they are."""
        new = changed(self.state, reason, **values)
        self.changes += new
        self.state = apply(self.state, new)


def cleaned(found: Iterable[Command], *, currency: str) -> list[Command]:
    """Commands without those that a later one undoes, and without prices in another currency."""
    kept: list[Command] = []
    for command in found:
        if command.kind == "limit" and command.name and _foreign(command.said, currency):
            continue
        if command.kind in ("want", "exclude"):
            opposite = {"want": "exclude", "exclude": "want"}[command.kind]
            kept = [
                earlier
                for earlier in kept
                if (earlier.kind, earlier.name, earlier.value) != (opposite, command.name, command.value)
                and earlier != command
            ]
        kept.append(command)
    return kept


_SIGNS = {
    "dollar": "USD",
    "euro": "EUR",
    "pound": "GBP",
    "英镑": "GBP",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "usd": "USD",
    "eur": "EUR",
    "gbp": "GBP",
    "美元": "USD",
    "欧元": "EUR",
}


def _foreign(said: str, currency: str) -> bool:
    """Whether a price is named in another currency than the shop's."""
    named = {code for sign, code in _SIGNS.items() if sign in said.lower()}
    return bool(named) and currency not in named


def _obey(tracker: _Tracker, command: Command) -> None:
    state, because = tracker.state, f"the shopper said “{command.said[:60]}”"
    match command.kind:
        case "anew":
            tracker.set(f"{because}: something else is looked for", **_ANEW)
        case "category":
            tracker.set(because, category=command.value, stage="shopping")
        case "words":
            words = command.value if command.value.casefold() not in state.words.casefold() else state.words
            tracker.set(because, words=words, stage="shopping")
        case "drop_words":
            if command.value == state.category:
                tracker.set(f"{because}: not that", category="")
            if command.value.casefold() in state.words.casefold():
                tracker.set(f"{because}: not that", words="")
        case "want":
            before = state.wanted.get(command.name, ()) if command.adds else ()
            values = (*(value for value in before if value != command.value), command.value)
            tracker.set(because, wanted={**state.wanted, command.name: values}, stage="shopping")
            _without(tracker, "unwanted", command, because)
        case "exclude":
            before = state.unwanted.get(command.name, ())
            values = (*(value for value in before if value != command.value), command.value)
            tracker.set(because, unwanted={**state.unwanted, command.name: values}, stage="shopping")
            _without(tracker, "wanted", command, because)
        case "allow":
            _without(tracker, "unwanted", command, f"{because}: that is fine again")
        case "limit":
            tracker.set(because, **{command.name: command.value}, stage="shopping")
            _drop_older_bound(tracker, command.name)
        case "sort" | "recipient":
            tracker.set(because, **{command.kind: command.value}, stage="shopping")
        case "quantity":
            tracker.set(because, quantity=int(command.value))


def _without(tracker: _Tracker, field: str, command: Command, because: str) -> None:
    """Take one value out of the wanted or unwanted ones."""
    known = getattr(tracker.state, field)
    left = {
        aspect: tuple(value for value in values if (aspect, value) != (command.name, command.value))
        for aspect, values in known.items()
    }
    tracker.set(because, **{field: {aspect: values for aspect, values in left.items() if values}})


def _drop_older_bound(tracker: _Tracker, newer: str) -> None:
    """A lower bound above the upper one: the one that was said before gives way."""
    state = tracker.state
    if state.price_min and state.price_max and Decimal(state.price_min) > Decimal(state.price_max):
        older = "price_max" if newer == "price_min" else "price_min"
        tracker.set("it contradicts the price that was named since", **{older: ""})


def _hear_indifference(tracker: _Tracker, heard: Understanding) -> None:
    state = tracker.state
    if heard.has("dont_care") and state.expected not in ("", "confirm", "proof", "address", "order", "variant"):
        refused = (*state.refused, state.expected) if state.expected not in state.refused else state.refused
        tracker.set("the shopper does not mind", refused=refused, expected="")


def _hear_references(tracker: _Tracker, heard: Understanding) -> None:
    items = [slot.value for slot in heard.named("item")]
    if means_order(tracker.state, heard):
        orders = [order for item in items if is_place(item) for order in at_place(tracker.state.orders, item)]
        tracker.set(f"the shopper means {', '.join(items)} of the orders", order_id=orders[-1] if orders else "")
        return
    products = referred(tracker.state, items)
    if len(products) == 1 and heard.has("compare"):  # "this one and the first": with what is spoken of
        products = tuple(dict.fromkeys((*tracker.state.focus, *products)))
    if products:
        tracker.set(f"the shopper means {', '.join(items)} of what was shown", focus=products)


def _hear_service(tracker: _Tracker, heard: Understanding) -> None:
    numbers: Sequence[str] = [slot.value for slot in heard.named("order_number")]
    if numbers:
        tracker.set("the shopper named the order", order_id=numbers[-1])
