"""Counts the categories of products and learns what they are called in both languages. Knows no aspect."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from zhanggui.catalog.ontology.general import general_ontology
from zhanggui.catalog.ontology.ontology import Category, Labels, fold, language_of
from zhanggui.catalog.product import LANGUAGES, Language, Product


@dataclass(kw_only=True)
class CategoryCount:
    """How many products each category holds, and what they call it in the other language."""

    products: Counter[str] = field(default_factory=Counter)
    names: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, product: Product) -> None:
        """Count a product."""
        path = product.category
        if not path:
            return
        self.products[path] += 1
        for name, text in product.attributes.items():
            aspect = general_ontology().aspect(name)
            if aspect is not None and aspect.name == "category" and language_of(text) != language_of(path):
                self.names.setdefault(path, Counter())[text] += 1

    def learned(self, edited: Sequence[Category]) -> tuple[Category, ...]:
        """The edited categories, then those that products are in and the ones above them, by path."""
        paths = {above for path in self.products for above in _with_those_above(path)}
        new = sorted(paths - {category.path for category in edited})
        return (*edited, *(Category(path=path, labels=self._labels(path)) for path in new))

    def _labels(self, path: str) -> Labels:
        own = path.rsplit(" > ", 1)[-1]
        by_language: dict[Language, list[str]] = {language_of(own): [own]}
        for name, count in self.names.get(path, Counter()).most_common(1):
            if 2 * count >= self.products[path]:  # what half of the products say is the category's, not theirs
                by_language.setdefault(language_of(name), []).append(name)
        general = general_ontology()
        of_general = general.category(own)
        for category in general.categories:
            if category.path == of_general:
                for language, texts in category.labels.items():
                    by_language.setdefault(language, []).extend(texts)
        return {language: _each_once(by_language[language]) for language in LANGUAGES if language in by_language}


def _with_those_above(path: str) -> list[str]:
    parts = path.split(" > ")
    return [" > ".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _each_once(texts: Sequence[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(fold(text), text)
    return tuple(first.values())
