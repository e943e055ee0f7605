"""The ontology as frozen nouns, and which of its aspects and values a text means. Knows no product, file or store."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from zhanggui.catalog.product import Language

T = TypeVar("T")
Labels = Mapping[Language, tuple[str, ...]]
"""Texts by language: the first is shown, the others are synonyms."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of an aspect, such as "blue"."""

    value: str
    """Its canonical text, by which it is filtered and counted."""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """Something that products differ in, such as their colour."""

    name: str
    """Its canonical name: British English in lower case; of an aspect that nobody knows, the feed's own in lower case."""
    labels: Labels = field(default_factory=dict)
    values: tuple[Value, ...] = ()
    unit: str = ""
    """Of a number: what canonical values are measured in, such as "g"."""
    kind: Literal["choice", "number"] = "choice"

    def value(self, text: str) -> str | None:
        """The canonical value that `text` is a label of; None where it is none."""
        return self._values.get(fold(text))

    def label(self, value: str, language: Language) -> str:
        """What a canonical value is called in `language`; itself, where nothing better is known."""
        return next((_shown(one.labels, language) or value for one in self.values if one.value == value), value)

    @cached_property
    def _values(self) -> dict[str, str]:
        return _first_wins((text, one.value) for one in self.values for text in _texts(one.value, one.labels))


@dataclass(frozen=True, kw_only=True)
class Category:
    """A category of the catalogue; its path is joined by " > ", as a product's is."""

    path: str
    labels: Labels = field(default_factory=dict)


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

    @cached_property
    def _aspects(self) -> dict[str, Aspect]:
        return _first_wins((text, one) for one in self.aspects for text in _texts(one.name, one.labels))

    @cached_property
    def _categories(self) -> dict[str, str]:
        return _first_wins(
            (text, one.path)
            for one in self.categories
            for text in (*_texts(one.path, one.labels), one.path.rsplit(" > ", 1)[-1])
        )


def fold(text: str) -> str:
    """`text` as it is compared: width, case, hyphens and blanks make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("-", " ").replace("_", " ").split())


def _texts(name: str, labels: Labels) -> Iterator[str]:
    yield name
    for texts in labels.values():
        yield from texts


def _shown(labels: Labels, language: Language) -> str:
    texts = labels.get(language) or next(iter(labels.values()), ())
    return texts[0] if texts else ""


def _first_wins(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    by_text: dict[str, T] = {}
    for text, meant in pairs:
        by_text.setdefault(fold(text), meant)
    return by_text
