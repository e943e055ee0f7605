"""What a word that no product knows was meant to be: within one edit, by its sound, or in pinyin. Knows no query."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from zhanggui.catalog.search.words import is_chinese, syllables

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONGEST = 20


class Spelling:
    """The words that products are named with, and how many products have each."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts

    def mended(self, word: str) -> str | None:
        """The known word that is one edit away; of several Chinese ones, one that sounds alike, then the most frequent.

        Of two characters one is half the word: such a word has to sound alike.
        """
        if not 1 < len(word) <= _LONGEST:
            return None
        if not is_chinese(word):
            edits = _edits(word) if len(word) > 3 and word.isascii() else ()
            return max((one for one in edits if one in self.counts), key=lambda one: self.counts[one], default=None)
        sound = syllables(word)
        near = {one for gap in _gaps(word) for one in self._by_gap.get(gap, ())} - {word}
        alike = [one for one in near if len(word) > 2 or syllables(one) == sound]
        return max(alike, key=lambda one: (syllables(one) == sound, self.counts[one], one), default=None)

    def spoken(self, word: str) -> tuple[str, ...] | None:
        """The syllables of pinyin that a word in Latin letters consists of, the longest first; None where it is no pinyin."""
        if len(word) > 4 * _LONGEST or not word.isascii():
            return None
        reached: list[tuple[str, ...] | None] = [(), *[None] * len(word)]
        for end in range(1, len(word) + 1):
            ways = [
                (*before, word[start:end])
                for start in range(max(0, end - 6), end)
                if (before := reached[start]) is not None and word[start:end] in self._syllables
            ]
            reached[end] = min(ways, key=len, default=None)
        return reached[-1] or None

    @cached_property
    def _by_gap(self) -> dict[str, list[str]]:
        by_gap: dict[str, list[str]] = defaultdict(list)
        for word in self.counts:
            if is_chinese(word):
                for gap in _gaps(word):
                    by_gap[gap].append(word)
        return by_gap

    @cached_property
    def _syllables(self) -> frozenset[str]:
        return frozenset(syllable for word in self.counts for syllable in syllables(word))


def _gaps(word: str) -> Iterable[str]:
    """The word with each of its characters left open."""
    return (f"{word[:place]}\0{word[place + 1 :]}" for place in range(len(word)))


def _edits(word: str) -> Iterator[str]:
    """Every word that is one letter more, less or other, or that has two neighbours exchanged."""
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
