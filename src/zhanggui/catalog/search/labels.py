"""The ontology's labels as words: which aspect and value, or which category, a stretch of a text names. Knows no index."""

import json
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

from zhanggui.catalog.ontology import Ontology, read_ontology, write_ontology
from zhanggui.catalog.ontology.general import general_ontology
from zhanggui.catalog.product import LANGUAGES
from zhanggui.catalog.search.names import Names
from zhanggui.catalog.search.words import stem, words

_LONGEST, _MOST = 5, 4
_ONTOLOGY, _NAMES = "ontology.toml", "names.json"


class Labels:
    """The labels of one ontology and the learned names of its categories, by their words."""

    def __init__(self, ontology: Ontology, names: Names) -> None:
        self.ontology, self.learned = ontology, names

    def is_label(self, word: str) -> bool:
        """Whether a word alone is a label of something, of this shop or in general."""
        return (stem(word),) in self._values or (stem(word),) in _synonyms()

    def alike(self, listed: Sequence[str]) -> list[list[str]]:
        """What else means the same as these words, in either language, as is generally known; a few of them."""
        key = tuple(stem(word) for word in listed)
        return [other for other in _synonyms().get(key, ()) if [stem(word) for word in other] != list(key)]

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

    @cached_property
    def _values(self) -> dict[tuple[str, ...], tuple[str, str]]:
        by_words: dict[tuple[str, ...], tuple[str, str]] = {}
        for aspect in self.ontology.aspects:
            if aspect.name in self.ontology.ignored or aspect.kind == "number":
                continue
            for value in aspect.values:
                for text in (value.value, *(text for texts in value.labels.values() for text in texts)):
                    for said in (text, text.removesuffix("色")):  # 白衬衫 is white, too
                        if key := _key(said):
                            by_words.setdefault(key, (aspect.name, value.value))
        return by_words

    @cached_property
    def names(self) -> Names:
        """What the things of each category are called: its own name, before what titles say, before what the ontology says.

        What the ontology says of several categories is the one's that it says it of first.
        """
        told: dict[tuple[str, ...], tuple[int, str]] = {}
        own: dict[tuple[str, ...], str] = {}
        for category in self.ontology.categories:
            own[_key(category.name)] = category.path
            for texts in category.labels.values():
                for place, text in enumerate(texts):
                    key = _key(text)
                    told[key] = min(told.get(key, (place, category.path)), (place, category.path))
        by_words = {key: path for key, (_place, path) in told.items()} | dict(self.learned) | own
        return {key: path for key, path in by_words.items() if key}

    @cached_property
    def wide(self) -> frozenset[str]:
        """The categories that have others below them."""
        paths = [category.path for category in self.ontology.categories]
        return frozenset(path.rsplit(" > ", 1)[0] for path in paths if " > " in path)


@cache
def _synonyms() -> dict[tuple[str, ...], list[list[str]]]:
    """Of each label of the general ontology, by its words: the labels of the same category or value."""
    general = general_ontology()
    labelled = [category.labels for category in general.categories]
    labelled += [value.labels for aspect in general.aspects for value in aspect.values]
    by_words: dict[tuple[str, ...], list[list[str]]] = {}
    for labels in labelled:
        texts = [words(text) for language in LANGUAGES for text in labels.get(language, ())[:_MOST]]
        for listed in texts:
            by_words.setdefault(tuple(stem(word) for word in listed), texts)
    return by_words


def _key(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(text))[:_LONGEST]


def write_labels(folder: Path, labels: Labels) -> None:
    """Keep the labels beside an index."""
    write_ontology(folder / _ONTOLOGY, labels.ontology)
    listed = [[*name, path] for name, path in labels.learned.items()]
    (folder / _NAMES).write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")


def read_labels(folder: Path) -> Labels:
    """The labels that `write_labels` kept. Raises OntologyError, OSError or ValueError where they are broken."""
    listed = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
    return Labels(read_ontology(folder / _ONTOLOGY), {tuple(name): path for *name, path in listed})
