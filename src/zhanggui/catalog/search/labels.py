"""The ontology's labels as words: which aspect and value, or which category, a stretch of a text names. Knows no index."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.search.words import stem, words

_LONGEST = 5


class Labels:
    """The labels of one ontology, by their words."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology

    def spans(self, listed: Sequence[str]) -> Iterator[tuple[int, int, str, str]]:
        """(start, end, aspect, value) of each label among these words; of several that begin alike, the longest."""
        stems = [stem(word) for word in listed]
        start = 0
        while start < len(stems):
            for end in range(min(len(stems), start + _LONGEST), start, -1):
                if meant := self._values.get(tuple(stems[start:end])):
                    yield start, end, *meant
                    start = end - 1
                    break
            start += 1

    def categories(self, listed: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        """(start, end, path) of each stretch of these words that names a category, longer ones first."""
        stems = [stem(word) for word in listed]
        for length in range(min(len(stems), _LONGEST), 0, -1):
            for start in range(len(stems) - length + 1):
                for path in self._categories.get(tuple(stems[start : start + length]), ()):
                    yield start, start + length, path

    @cached_property
    def _values(self) -> dict[tuple[str, ...], tuple[str, str]]:
        by_words: dict[tuple[str, ...], tuple[str, str]] = {}
        for aspect in self.ontology.aspects:
            if aspect.name in self.ontology.ignored or aspect.kind == "number":
                continue
            for value in aspect.values:
                for text in (value.value, *(text for texts in value.labels.values() for text in texts)):
                    if key := _key(text):
                        by_words.setdefault(key, (aspect.name, value.value))
        return by_words

    @cached_property
    def _categories(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        by_words: dict[tuple[str, ...], tuple[str, ...]] = {}
        for category in self.ontology.categories:
            leaf = category.path.rsplit(" > ", 1)[-1]
            for text in {leaf, *(text for texts in category.labels.values() for text in texts)}:
                if key := _key(text):
                    by_words[key] = (*by_words.get(key, ()), category.path)
        return by_words


def _key(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(text))[:_LONGEST]
