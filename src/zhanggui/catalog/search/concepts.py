"""The words of a query as concepts: each a thing that a product has or has not, with every way in which it may say so.

Knows the index's words, not its filters, and scores nothing itself.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zhanggui.catalog.search.labels import Labels
from zhanggui.catalog.search.names import span
from zhanggui.catalog.search.record import JOINT, NAMING, TEXTS, UNKNOWN, schema, term
from zhanggui.catalog.search.spelling import Spelling
from zhanggui.catalog.search.words import is_chinese, stem, words

if TYPE_CHECKING:
    import tantivy

_LONGEST_TEXT = 1_000
_MOST_WORDS = 24
_WEIGHTS = {"title": 3.0, "facts": 2.0, "parts": 1.5, "description": 0.5}
_TIE = 0.2
_ASPECT, _PINYIN, _KIND, _NEIGHBOURS, _ALIKE = 2.5, 2.0, 20.0, 1.0, 0.7
_HEAD = 1.5
"""What a query ends with is mostly the thing itself."""
_SILENT = frozenset(
    re.findall(
        r"\S+",
        "a an and any are at buy by can do find for from get give good have i in is it looking me my need of on one or "
        "please put show some something somewhere that the this to want what which with you your "
        "的 了 吗 呢 我 你 要 想 买 想要 找 请 给 和 与 带 款 个 一个 一款 有 没有 是 在 用 穿 推荐 适合 什么 哪个 哪些 一下 "
        "可以 能 会 那种 这种 点 一点 些 一些",
    )
)
"""Words that ask for nothing."""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One thing asked for."""

    text: str
    query: "tantivy.Query | None"
    """Matches the products that have it; None where no product can."""
    is_kind: bool = False
    """Whether it says what kind of thing is looked for, which nothing else makes up for."""


@dataclass(frozen=True, kw_only=True)
class Concepts:
    """All that the words of a query ask for."""

    concepts: tuple[Concept, ...]
    hints: tuple["tantivy.Query", ...]
    """What makes a product likelier without being asked for: words that stand side by side."""
    corrected: str


def read_concepts(text: str, searcher: "tantivy.Searcher", labels: Labels, spelling: Spelling) -> Concepts:
    """What a query's words ask for. Any text is read; of a very long one the beginning."""
    return _Reader(searcher, labels, spelling).read(text)


@dataclass(frozen=True)
class _Reader:
    searcher: "tantivy.Searcher"
    labels: Labels
    spelling: Spelling

    def read(self, text: str) -> Concepts:
        written = words(text[:_LONGEST_TEXT])
        listed = [word for word in written if word not in _SILENT][:_MOST_WORDS] or written[:_MOST_WORDS]
        mended = self._mended(listed)
        concepts = tuple(self._concepts(mended))
        corrected = _sentence(mended)
        return Concepts(
            concepts=concepts,
            hints=tuple(self._hints(mended)),
            corrected="" if corrected == _sentence(listed) else corrected,
        )

    def _mended(self, listed: list[str]) -> list[str]:
        """The words with those mended that no product knows: alone, or in Chinese with their neighbours."""
        mended, place = [], 0
        while place < len(listed):
            word = listed[place]
            if self._is_known(word) or self._is_joined(listed, place):
                mended.append(word)
            elif is_chinese(word) and len(word) > 2 and (pieces := self._pieces(word)):
                mended += pieces
            elif is_chinese(word) and (window := self._window(listed, place, len(mended))):
                before, after, meant = window
                del mended[len(mended) - before :]
                mended.append(meant)
                place += after
            elif is_chinese(word):
                mended += self._pieces(word) or [word]
            else:
                mended.append(word if self._pinyin(word) else self.spelling.mended(word) or word)
            place += 1
        return mended

    def _pieces(self, word: str) -> list[str]:
        """A Chinese word as shorter ones that products have; nothing where it does not consist of such."""
        pieces, start = list[str](), 0
        while start < len(word):
            end = next((end for end in range(len(word), start, -1) if self._is_known(word[start:end])), None)
            if end is None:
                return []
            pieces.append(word[start:end])
            start = end
        return pieces

    def _window(self, listed: list[str], place: int, taken: int) -> tuple[int, int, str] | None:
        """(words before, words after, what all of them together were meant to be) around an unknown Chinese word."""
        for before, after in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)):
            if before > min(place, taken) or place + after >= len(listed):
                continue
            stretch = listed[place - before : place + after + 1]
            if all(map(is_chinese, stretch)) and (meant := self.spelling.mended("".join(stretch))):
                return before, after, meant
        return None

    def _concepts(self, listed: Sequence[str]) -> list[Concept]:
        from tantivy import Query

        spans = {start: (end, aspect, value) for start, end, aspect, value in self.labels.spans(listed)}
        kind_start, kind_end, path = self._kind(listed, spans) or (-1, -1, "")
        concepts, place = list[Concept](), 0
        while place < len(listed):
            if place == kind_start:
                end = kind_end
                ways = [self._leaf(path), self._unless_known(self._all_of(listed[place:end]))]
            elif place in spans and not (place < kind_start < spans[place][0]):
                end, aspect, value = spans[place]
                ways = [self._aspect(aspect, value), self._all_of(listed[place:end])]
            elif self._is_joined(listed, place):
                end = place + 2
                ways = [self._word(listed[place] + listed[place + 1]), self._all_of(listed[place:end])]
            else:
                end = place + 1
                ways = [self._word(listed[place]) or self._pinyin(listed[place])]
            text = _sentence(listed[place:end])
            if place != kind_start:
                ways += [self._alike(other) for other in self.labels.alike(listed[place:end])]
            query = _any_of([way for way in ways if way is not None])
            if query is not None and end == len(listed) and place not in spans and len(concepts) > 0:
                query = Query.boost_query(query, _HEAD)
            concepts.append(Concept(text=text, query=query, is_kind=place == kind_start))
            place = end
        return concepts

    def _hints(self, listed: Sequence[str]) -> list["tantivy.Query"]:
        from tantivy import Query

        hints = []
        for first, second in itertools.pairwise(listed):
            joined = stem(first + second)
            if self.searcher.doc_freq("parts", joined):
                hints.append(Query.boost_query(term("parts", joined), _NEIGHBOURS))
        return hints

    def _is_known(self, word: str) -> bool:
        """Whether products say a word, or the ontology knows what it means."""
        return self.labels.is_label(word) or any(self.searcher.doc_freq(field, stem(word)) for field in TEXTS)

    def _is_joined(self, listed: Sequence[str], place: int) -> bool:
        """Whether a word that no product knows is known when written as one with the next."""
        pair = listed[place : place + 2]
        return len(pair) == 2 and not all(map(self._is_known, pair)) and self._is_known("".join(pair))

    def _word(self, word: str, *, fields: Sequence[str] = TEXTS) -> "tantivy.Query | None":
        from tantivy import Query

        stemmed = stem(word)
        ways = [
            Query.boost_query(term(field, stemmed), _WEIGHTS[field])
            for field in fields
            if self.searcher.doc_freq(field, stemmed)
        ]
        return _any_of(ways)

    def _pinyin(self, word: str) -> "tantivy.Query | None":
        from tantivy import Query

        spoken = self.spelling.spoken(word.replace("ü", "v")) if word.isalpha() else None
        if not spoken or len("".join(spoken)) < 4:
            return None
        several = len(spoken) > 1
        query = Query.phrase_query(schema(), "pinyin", list(spoken)) if several else term("pinyin", spoken[0])
        return Query.boost_query(query, _PINYIN) if self.searcher.search(query, 1).hits else None

    def _alike(self, listed: Sequence[str]) -> "tantivy.Query | None":
        from tantivy import Query

        query = self._all_of(listed, fields=NAMING)
        return query and Query.boost_query(query, _ALIKE)

    def _kind(self, listed: Sequence[str], spans: Mapping[int, tuple[int, str, str]]) -> tuple[int, int, str] | None:
        """(start, end, category) of the words that say what kind of thing is looked for.

        A name before another thing says what that is for: "tea" in "tea cup". Before a colour or a size it is the thing.
        """
        taken = [(start, end) for start, (end, _aspect, _value) in spans.items()]
        longer = [(start, end) for start, end in taken if end - start > 1]
        named = span(listed, self.labels.names, taken) or span(listed, self.labels.names, longer)
        if named is None or named[1] == len(listed) or named[1] in spans or listed[named[1]][0].isdigit():
            return named
        return None

    def _leaf(self, path: str) -> "tantivy.Query | None":
        from tantivy import Query

        within = [term(field, path) for field in ("leaf", "category") if self.searcher.doc_freq(field, path)]
        return Query.const_score_query(Query.disjunction_max_query(within), _KIND) if within else None

    def _unless_known(self, query: "tantivy.Query | None") -> "tantivy.Query | None":
        """What matches among products of which only a wide category is known."""
        from tantivy import Occur, Query

        unknown = Query.const_score_query(term("leaf", UNKNOWN), 0.0)
        return query and Query.boolean_query([(Occur.Must, query), (Occur.Must, unknown)])

    def _aspect(self, aspect: str, value: str) -> "tantivy.Query | None":
        from tantivy import Query

        if not self.searcher.doc_freq("aspects", aspect + JOINT + value):
            return None
        return Query.boost_query(term("aspects", aspect + JOINT + value), _ASPECT)

    def _all_of(self, listed: Sequence[str], *, fields: Sequence[str] = TEXTS) -> "tantivy.Query | None":
        from tantivy import Occur, Query

        ways = [self._word(word, fields=fields) for word in listed]
        if any(way is None for way in ways):
            return None
        return (
            ways[0] if len(ways) == 1 else Query.boolean_query([(Occur.Must, way) for way in ways if way is not None])
        )


def _any_of(ways: Sequence["tantivy.Query"]) -> "tantivy.Query | None":
    from tantivy import Query

    if len(ways) < 2:
        return ways[0] if ways else None
    return Query.disjunction_max_query(list(ways), _TIE)


def _sentence(listed: Sequence[str]) -> str:
    """Words as one writes them: Chinese without blanks."""
    text = ""
    for word in listed:
        text += word if text and is_chinese(text[-1]) and is_chinese(word) else f" {word}"
    return text.strip()
