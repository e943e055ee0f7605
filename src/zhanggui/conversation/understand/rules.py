"""Understands by rules and a dictionary made of the ontology: the default of a new shop, which needs no training.

Cues of intents are regular expressions in `data/vocabulary.toml`. Knows no conversation but what was asked last.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.product import Language
from zhanggui.conversation.understand.language import fold_signs, language_of
from zhanggui.conversation.understand.lexicon import VOCABULARY, aspects_of, words_of
from zhanggui.conversation.understand.slots import LONGEST, fill, without_overlap
from zhanggui.conversation.understanding import INTENTS, Slot, Understanding, Utterance

_PRODUCT = frozenset({"category", "brand", "colour", "size", "material", "feature", "price", "recipient", "sort"})
_ON_ORDERS = frozenset({"order_status", "cancel_order", "change_order", "return_item", "exchange_item", "complain"})
_ABOUT_ASPECTS = frozenset({"ask_attribute", "compare", "dont_care"})
_NARROWS = frozenset({"refine", "narrow"})
_WEAK = _NARROWS | {"search"}
_SMALL_TALK = frozenset({"chitchat", "out_of_scope", "greet", "thanks"})
_FILLERS = frozenset({"greet", "affirm", "deny"})
# What is left out when the intent on the left has a cue: words of the surer one are cues of these too.
_IMPLIED: Mapping[str, frozenset[str]] = {
    "out_of_scope": frozenset(INTENTS) - {"out_of_scope"},
    "cancel_order": frozenset({"order_status", "deny", "ask_returns", "refine", "search", "affirm"}),
    "change_order": frozenset({"order_status", "refine", "ask_delivery", "exchange_item", "search", "complain"}),
    "exchange_item": frozenset({"refine", "return_item", "ask_returns", "search", "complain", "ask_attribute"}),
    "return_item": frozenset({"ask_returns", "refine", "search"}),
    "order_status": frozenset({"search", "refine", "ask_delivery", "ask_stock", "deny"}),
    "complain": frozenset({"search", "refine", "ask_attribute", "ask_delivery", "deny", "ask_price"}),
    "ask_stock": frozenset({"refine"}),
    "ask_price": frozenset({"search", "refine", "ask_attribute"}),
    "ask_attribute": frozenset({"search", "refine", "ask_stock"}),
    "ask_delivery": frozenset({"refine", "ask_stock"}),
    "ask_returns": frozenset({"search", "refine", "ask_attribute", "ask_delivery"}),
    "ask_policy": frozenset({"search", "refine", "ask_attribute", "bargain"}),
    "compare": frozenset({"search", "refine", "ask_attribute", "affirm"}),
    "bargain": frozenset({"search", "refine", "ask_price", "choose", "exchange_item"}),
    "choose": frozenset({"search", "refine", "affirm"}),
    "dont_care": frozenset({"affirm", "ask_attribute", "ask_stock", "ask_price"}),
    "refine": frozenset({"affirm"}),
    "ask_human": frozenset({"search", "refine", "ask_attribute", "chitchat", "deny", "affirm"}),
    "chitchat": frozenset({"search", "ask_attribute", "ask_human"}),
}
_NARROWING = frozenset({"colour", "size", "material", "feature", "price", "brand", "sort"})


class RuleUnderstander:
    """Rules over the ontology of a shop and the `titles` of its products; `today` says what day "tomorrow" follows."""

    def __init__(self, ontology: Ontology, titles: Iterable[str] = (), *, today: Callable[[], date]) -> None:
        self._words, self._aspects, self._today = words_of(ontology, titles), aspects_of(ontology), today

    def understand(self, utterances: Sequence[Utterance]) -> list[Understanding]:
        """The understanding of each utterance."""
        today = self._today()
        return [self._understand(utterance, today) for utterance in utterances]

    def _understand(self, utterance: Utterance, today: date) -> Understanding:
        text = fold_signs(utterance.text[:LONGEST])
        language = utterance.language or language_of(utterance.text)
        slots = fill(text, self._words, today=today, asked=utterance.asked)
        cued = _cued(text, language)
        aspects = self._aspects.find(text) if cued & _ABOUT_ASPECTS else []
        intents = _settled(cued, (*slots, *aspects), utterance.asked)
        if intents & _ABOUT_ASPECTS:
            slots = tuple(without_overlap((aspects, slots)))
        if intents <= _SMALL_TALK and intents & cued:
            slots = ()
        confidence = _confidence(cued, intents, slots, text)
        return Understanding(
            text=utterance.text,
            language=language,
            intents={name: confidence for name in INTENTS if name in intents},
            slots=tuple(_as_written(slot, utterance.text) for slot in slots),
            confidence=confidence,
        )


@cache
def _cues(language: Language) -> tuple[tuple[str, re.Pattern[str]], ...]:
    cues: Mapping[str, Sequence[str]] = tomllib.loads(VOCABULARY.read_text(encoding="utf-8"))["cues"][language]
    return tuple((intent, re.compile("|".join(f"(?:{cue})" for cue in patterns))) for intent, patterns in cues.items())


def _cued(text: str, language: Language) -> frozenset[str]:
    stripped = text.strip(" ,.!?，。！？~、")
    return frozenset(intent for intent, cue in _cues(language) if cue.search(stripped))


def _settled(cued: frozenset[str], slots: Sequence[Slot], asked: str) -> frozenset[str]:
    """The intents that hold: those that have a cue, without those that a surer one implies; else what the slots say."""
    names = {slot.name for slot in slots}
    if asked and cued <= _WEAK and names:
        return frozenset({"refine"})
    left_out = frozenset[str]().union(*(_IMPLIED.get(intent, frozenset()) for intent in cued))
    intents = set(cued - left_out) or set(cued)
    if intents & _WEAK:
        says_more = intents - _WEAK
        wants = "search" if ("category" in names and "refine" not in intents) or not intents & _NARROWS else "refine"
        intents = says_more | ({wants} if names & _PRODUCT or not says_more else set())
    if "dont_care" in intents and names & _NARROWING:
        intents -= set() if "aspect" in names else {"dont_care"}
        intents |= set() if intents & _WEAK else {"search" if "category" in names else "refine"}
    if not intents or intents <= _FILLERS:
        if "category" in names:
            intents.add("search")
        elif names & _NARROWING:
            intents.add("refine")
        elif "order_number" in names:
            intents.add("order_status")
        elif "item" in names:
            intents.add("choose")
    return frozenset(intents) or frozenset({"out_of_scope"})


def _confidence(cued: frozenset[str], intents: frozenset[str], slots: Sequence[Slot], text: str) -> float:
    """How sure: cues and slots together say more than either; signs that nothing explains say less."""
    if not cued and not slots:
        return 0.2
    explained = sum(slot.end - slot.start for slot in slots) / max(1, len(text))
    sure = 0.55 + 0.25 * bool(cued & intents) + 0.2 * min(1.0, 2 * explained)
    return round(min(0.95, sure - 0.1 * max(0, len(intents) - 2)), 3)


def _as_written(slot: Slot, text: str) -> Slot:
    """Values that the ontology does not know stand as the shopper wrote them; addresses keep their capitals."""
    if slot.name != "address":
        return slot
    return Slot(name=slot.name, value=text[slot.start : slot.end], start=slot.start, end=slot.end)
