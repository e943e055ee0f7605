"""Finds the words of the shop in a text: values and names of the ontology's aspects, its categories, and general words.

One pass, longest word first. Does not know grammar: what is not wanted is told by `negation`.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.ontology.general import general_ontology
from zhanggui.catalog.product import Language
from zhanggui.conversation.understand.language import fold_signs, is_chinese
from zhanggui.conversation.understanding import Slot

VOCABULARY = Path(__file__).parents[1] / "data" / "vocabulary.toml"
OWN_SLOTS = frozenset({"brand", "colour", "size", "material"})
"""Aspects that have a slot of their own; the values of any other are features."""
_LONGEST = 24
_EVERYWHERE = frozenset({"yes", "no", "none", "for", "other", "others", "其他", "没有", "可以", "不是"})
_PLAIN = re.compile(r"^[a-z][a-z' -]*[a-z]$")


class Lexicon:
    """Phrases and what each means: a slot and a value."""

    def __init__(self, entries: Mapping[str, tuple[str, str]]) -> None:
        self._entries = {phrase: meaning for phrase, meaning in entries.items() if len(phrase) <= _LONGEST}
        by_first: dict[str, set[int]] = {}
        for phrase in self._entries:
            by_first.setdefault(phrase[0], set()).add(len(phrase))
        self._lengths = {first: sorted(lengths, reverse=True) for first, lengths in by_first.items()}

    def find(self, text: str) -> list[Slot]:
        """The slots that words of a folded text fill; none overlaps another."""
        slots, at = [], 0
        while at < len(text):
            slot = self._at(text, at)
            if slot is None:
                at += 1
            else:
                slots.append(slot)
                at = slot.end
        return slots

    def phrases(self) -> dict[tuple[str, Language], list[str]]:
        """What shoppers call the values of each slot, by language."""
        phrases: dict[tuple[str, Language], list[str]] = {}
        for phrase, (slot, _) in self._entries.items():
            phrases.setdefault((slot, "en" if phrase.isascii() else "zh"), []).append(phrase)
        return phrases

    def _at(self, text: str, at: int) -> Slot | None:
        if text[at].isascii() and text[at].isalnum() and at and text[at - 1].isascii() and text[at - 1].isalnum():
            return None
        for length in self._lengths.get(text[at], ()):
            end = at + length
            meaning = self._entries.get(text[at:end])
            if meaning and end <= len(text) and not (text[end - 1].isascii() and _goes_on(text, end)):
                return Slot(name=meaning[0], value=meaning[1], start=at, end=end)
        return None


def _goes_on(text: str, end: int) -> bool:
    return end < len(text) and text[end].isascii() and text[end].isalnum()


def aspects_of(ontology: Ontology) -> Lexicon:
    """What shoppers call the aspects of a shop's products."""
    entries: dict[str, tuple[str, str]] = {}
    for phrase, meaning in (*_of_ontology(ontology), *general_words(), *_of_general()):
        if meaning[0] == "aspect":
            entries.setdefault(fold_signs(phrase), meaning)
    return Lexicon(entries)


def words_of(ontology: Ontology, titles: Iterable[str] = ()) -> Lexicon:
    """The words of a shop: its ontology first, then what shoppers say in any shop, then what its products are called."""
    entries: dict[str, tuple[str, str]] = {}
    for phrase, meaning in (*_of_ontology(ontology), *general_words(), *_of_general()):
        if meaning[0] != "aspect":
            entries.setdefault(fold_signs(phrase), meaning)
    known = Lexicon({phrase: meaning for phrase, meaning in entries.items() if meaning[0] != "category"})
    for title in titles:
        for noun in _nouns(fold_signs(title), known):
            entries.setdefault(noun, ("category", noun))
    for phrase, meaning in tuple(entries.items()):
        if meaning[0] in ("category", "recipient") and _PLAIN.match(phrase):
            entries.setdefault(_plural(phrase), meaning)
    return Lexicon({phrase: meaning for phrase, meaning in entries.items() if phrase})


def _of_ontology(ontology: Ontology) -> Iterator[tuple[str, tuple[str, str]]]:
    for aspect in ontology.aspects:
        if aspect.name in ontology.ignored:
            continue
        slot = aspect.name if aspect.name in OWN_SLOTS else "feature"
        for value in aspect.values:
            for phrase in (value.value, *(text for texts in value.labels.values() for text in texts)):
                if _says_something(phrase):
                    yield phrase, (slot, value.value)
        for phrase in (aspect.name, *(text for texts in aspect.labels.values() for text in texts)):
            if _says_something(phrase):
                yield phrase, ("aspect", aspect.name)
    for category in ontology.categories:
        yield category.path.rsplit(" > ", 1)[-1], ("category", category.path)
        for texts in category.labels.values():
            for phrase in texts:
                yield phrase, ("category", category.path)


def _says_something(phrase: str) -> bool:
    """Not where it needs its aspect beside it: a single sign, a bare number, "yes"."""
    return len(phrase) > 1 and not phrase.replace(".", "").isdigit() and fold_signs(phrase) not in _EVERYWHERE


@cache
def _of_general() -> tuple[tuple[str, tuple[str, str]], ...]:
    """Aspects and values of the general ontology; its categories are names of groups, which shoppers hardly say."""
    return tuple(_of_ontology(Ontology(aspects=general_ontology().aspects)))


@cache
def general_words() -> tuple[tuple[str, tuple[str, str]], ...]:
    """What shoppers say in any shop: phrase and (slot, value), from the vocabulary that ships."""
    vocabulary = tomllib.loads(VOCABULARY.read_text(encoding="utf-8"))
    return tuple(
        (phrase, (slot, value or phrase))
        for slot, values in vocabulary["words"].items()
        for value, phrases in values.items()
        for phrase in phrases
    )


def _nouns(title: str, known: Lexicon) -> Iterator[str]:
    """What a product is called in its title: without its material, colour and what else is known, and its last word alone."""
    head = re.split(r"[,，(（]", title)[0].strip()
    for slot in known.find(head):
        if slot.start == 0 and slot.end < len(head):
            head = head[slot.end :].strip()
            break
    if any(map(is_chinese, head)):
        if 2 <= len(head) <= 6:
            yield head
        return
    words = head.split()
    if 1 <= len(words) <= 3 and len(head) > 2:
        yield head
        if len(words[-1]) > 2:
            yield words[-1]


def _plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun if not noun.endswith("ss") else noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("x", "ch", "sh")) else "s")
