"""The ontology as frozen nouns, and which of its aspects and values a text means. Knows no product, file or store."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, TypeVar

from zhanggui.catalog.ontology.measure import measure, normal, unit_in_chinese
from zhanggui.catalog.product import Language

_LONGEST_RUN = 12
T = TypeVar("T")
Labels = Mapping[Language, tuple[str, ...]]
"""Texts by language: the first is shown, the others are synonyms."""
_SHARE = re.compile(r"\d{1,3}(?:\.\d{1,2})? ?[%％] ?|^(?:纯|全|pure |all )")
_BLEND = re.compile(r"(?:混纺|混合| blend| mix)$", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[,，、;；/+&|]|\band\b|和|与|及)\s*")


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of an aspect, such as "navy"."""

    value: str
    """Its canonical text, by which it is filtered and counted."""
    labels: Labels = field(default_factory=dict)
    within: str = ""
    """The wider value that it is a kind of: who asks for "blue" means "navy", too."""


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """Something that products differ in, such as their colour."""

    name: str
    """Its canonical name: British English in lower case; of an aspect that nobody knows, the feed's own in lower case."""
    labels: Labels = field(default_factory=dict)
    values: tuple[Value, ...] = ()
    """Those that are known, whether or not a product has them now."""
    unit: str = ""
    """Of a number: what canonical values are measured in, such as "g"."""
    kind: Literal["choice", "number"] = "choice"

    def value(self, text: str) -> str | None:
        """The canonical value that `text` is a label of, or the amount that it states; None where it is none."""
        labelled = self._values.get(fold(normal(text)))
        if labelled is None and self.kind == "number" and (stated := measure(text)) is not None:
            return str(stated.in_unit(self.unit))
        return labelled

    def values_in(self, text: str) -> tuple[str, ...]:
        """The canonical values that `text` lists ("70% cotton, 30% linen"); () where it says anything else, too."""
        whole = self.value(text)
        if whole is not None:
            return (whole,)
        parts = [_BLEND.sub("", part) for part in _BETWEEN.split(_SHARE.sub("", text.strip())) if part]
        listed = [value for part in parts for value in self._run_together(part)]
        return tuple(dict.fromkeys(listed)) if "" not in listed else ()

    def _run_together(self, text: str) -> list[str]:
        """The values of which a Chinese text is made up without a break ("棉麻"), with "" for what is no value."""
        whole = self.value(text)
        if whole is not None or language_of(text) == "en" or len(text) > _LONGEST_RUN:
            return [whole or ""]
        for end in range(len(text) - 1, 0, -1):
            if (first := self.value(text[:end])) is not None:
                return [first, *self._run_together(text[end:])]
        return [""]

    def wider(self, value: str) -> tuple[str, ...]:
        """The values that `value` is a kind of, the nearest first."""
        chain: list[str] = []
        while (value := self._within.get(value, "")) and value not in chain:
            chain.append(value)
        return tuple(chain)

    def label(self, value: str, language: Language) -> str:
        """What a canonical value is called in `language`; itself, where nothing better is known."""
        if (labels := self._labels.get(value)) and (shown := _shown(labels, language)):
            return shown
        stated = measure(value) if language == "zh" else None
        return f"{value.split(' ')[0]}{unit_in_chinese(stated.unit)}" if stated and stated.unit else value

    def title(self, language: Language) -> str:
        """What the aspect itself is called in `language`."""
        return _shown(self.labels, language) or self.name

    @cached_property
    def _values(self) -> dict[str, str]:
        pairs = ((normal(text), known.value) for known in self.values for text in texts_of(known.value, known.labels))
        return _first_wins(pairs)

    @cached_property
    def _within(self) -> dict[str, str]:
        return {value.value: value.within for value in self.values}

    @cached_property
    def _labels(self) -> dict[str, Labels]:
        return {value.value: value.labels for value in self.values}


@dataclass(frozen=True, kw_only=True)
class Category:
    """A category of the catalogue; its path is joined by " > ", as a product's is."""

    path: str
    labels: Labels = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit(" > ", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class Ontology:
    """All that the shop's products can be told apart by."""

    categories: tuple[Category, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    price_ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Currency -> lowest and highest price in minor units."""
    ignored: tuple[str, ...] = ()
    """Names of aspects that products have and shoppers need not see."""

    def aspect(self, text: str) -> Aspect | None:
        """The aspect that `text` names or is a label of."""
        return self._aspects.get(fold(text))

    def category(self, text: str) -> str | None:
        """The path of the category that `text` names: its path, its last part or a label."""
        return self._categories.get(fold(text))

    def meaning(self, name: str, text: str) -> tuple[str, tuple[str, ...]]:
        """What a feed's fact comes to: the aspect, and its canonical values with those they are kinds of.

        ("", ()) where shoppers cannot ask by it.
        """
        return self._meanings(name, text)

    def _meaning(self, name: str, text: str) -> tuple[str, tuple[str, ...]]:
        aspect = self.aspect(name)
        if aspect is None or aspect.name in self.ignored or not fold(text):
            return "", ()
        values = aspect.values_in(text) or (normal(text),)
        return aspect.name, (*values, *(wider for value in values for wider in aspect.wider(value)))

    @cached_property
    def _meanings(self) -> Callable[[str, str], tuple[str, tuple[str, ...]]]:
        return lru_cache(maxsize=100_000)(self._meaning)  # feeds say the same of thousands of products

    @cached_property
    def _aspects(self) -> dict[str, Aspect]:
        return _first_wins((text, aspect) for aspect in self.aspects for text in texts_of(aspect.name, aspect.labels))

    @cached_property
    def _categories(self) -> dict[str, str]:
        # A path before a label: "Tea" is that category before it is a synonym of another.
        paths = [(text, category.path) for category in self.categories for text in (category.path, category.name)]
        return _first_wins(
            [*paths, *((text, known.path) for known in self.categories for text in texts_of("", known.labels))]
        )


def fold(text: str) -> str:
    """`text` as it is compared: width, case, hyphens and blanks make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("-", " ").replace("_", " ").split())


def texts_of(name: str, labels: Labels) -> Iterator[str]:
    """All that something is called: its canonical name and its labels."""
    if name:
        yield name
    for texts in labels.values():
        yield from texts


def language_of(text: str) -> Language:
    """The language that a label without one is in: Chinese, where it has a Chinese character."""
    return "zh" if any("\u4e00" <= sign <= "\u9fff" for sign in text) else "en"


def _shown(labels: Labels, language: Language) -> str:
    texts = labels.get(language) or next(iter(labels.values()), ())
    return texts[0] if texts else ""


def _first_wins(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    by_text: dict[str, T] = {}
    for text, meant in pairs:
        by_text.setdefault(fold(text), meant)
    return by_text
