"""Does a text say what its source says: attributes covered, attributes that it has not, likeness in meaning.

A value counts as said when it stands in the text as it stands in the source (width, case, hyphens and an English plural
aside); other words for it do not count, so that coverage is a lower bound.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.source import Source

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors of length one, [texts, size]."""
# Full-width signs stand for ASCII, and what parts words in English is a space; the length stays, so that places do.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord(sign): " " for sign in "-‐‑\u3000\t\n"}
_LATIN = re.compile(r"[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One attribute value in a text, at [start, end)."""

    value: str
    start: int
    end: int
    supported: bool
    """The source has it."""


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """Attributes of one text."""

    covered: tuple[str, ...]
    missing: tuple[str, ...]
    said: tuple[Said, ...]
    """Every value of the vocabulary in the text, longest first where they overlap."""

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Distinct values said that the source has not."""
        return tuple(dict.fromkeys(one.value for one in self.said if not one.supported))

    @property
    def coverage(self) -> float:
        """Share of the source's values said; not a number when it has none."""
        total = len(self.covered) + len(self.missing)
        return len(self.covered) / total if total else float("nan")


class Attributes:
    """Finds the values of a vocabulary in texts."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        # By first character, longest first.
        self._values: dict[str, list[tuple[str, str]]] = {}
        for value in sorted(set(vocabulary), key=lambda one: (-len(one), one)):
            if plain := fold(value).strip():
                self._values.setdefault(plain[0], []).append((plain, value))

    def relevance(self, text: str, source: Source) -> Relevance:
        """What a text says of its source, and beside it."""
        plain = fold(text)
        own = list(dict.fromkeys(value for _, value in source.attributes))
        covered = tuple(value for value in own if _find(plain, fold(value).strip()) is not None)
        evidence = [fold(one) for one in (*source.brief.evidence.values(), *own)]
        said = tuple(
            Said(value=value, start=start, end=end, supported=any(_find(fact, key) is not None for fact in evidence))
            for key, value, start, end in self._scan(plain)
        )
        return Relevance(covered=covered, missing=tuple(one for one in own if one not in covered), said=said)

    def _scan(self, plain: str) -> Iterable[tuple[str, str, int, int]]:
        place = 0
        while place < len(plain):
            for key, value in self._values.get(plain[place], ()):
                end = _ends(plain, key, place)
                if end is not None:
                    yield key, value, place, end
                    place = end - 1
                    break
            place += 1


def similarity(texts: Sequence[str], sources: Sequence[Source], embed: Embed) -> NDArray[np.float64]:
    """(n,) cosines between each text and its source in words, in [-1, 1]."""
    return np.asarray((embed(list(texts)) * embed([one.text for one in sources])).sum(axis=1), dtype=np.float64)


def fold(text: str) -> str:
    """Lower case, narrow, of the same length."""
    plain = text.translate(_PLAIN)
    lower = plain.lower()
    if len(lower) != len(plain):  # a few letters become two
        lower = "".join(low if len(low := sign.lower()) == 1 else sign for sign in plain)
    return lower


def _find(plain: str, key: str) -> int | None:
    place = plain.find(key) if key else -1
    while place >= 0:
        if _ends(plain, key, place) is not None:
            return place
        place = plain.find(key, place + 1)
    return None


def _ends(plain: str, key: str, start: int) -> int | None:
    """Where the value that starts here ends; None when it is not here, or only inside a longer Latin word."""
    if not plain.startswith(key, start):
        return None
    end = start + len(key)
    if start and _LATIN.match(key[0]) and _LATIN.match(plain[start - 1]):
        return None
    if not _LATIN.match(key[-1]):
        return end
    for ending in ("es", "s"):
        if plain.startswith(ending, end) and not _LATIN.match(plain[end + len(ending) : end + len(ending) + 1]):
            return end + len(ending)
    return end if not _LATIN.match(plain[end : end + 1]) else None
