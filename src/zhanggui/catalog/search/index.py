"""One opened index: answers queries, and gives constraints up where nothing matches. Knows no SQL and no artifact.

The order in which constraints are given up is that of `filters.constraints`; what words ask for comes last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zhanggui.catalog.search.concepts import Concept, Concepts, read_concepts
from zhanggui.catalog.search.facets import facets
from zhanggui.catalog.search.filters import Constraint, all_of, canonical, constraints, on_sale, without
from zhanggui.catalog.search.labels import read_labels
from zhanggui.catalog.search.query import Query, Relaxation, Results
from zhanggui.catalog.search.record import term
from zhanggui.catalog.search.spelling import Spelling

if TYPE_CHECKING:
    import tantivy

_MOST = 1_000
"""So many results a query can page through."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What one way of asking found."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    total: int


class SearchIndex:
    """The index in `folder`; it may be shared between threads. Raises what tantivy raises where it is broken."""

    def __init__(self, folder: Path) -> None:
        from tantivy import Index

        self._searcher = Index.open(str(folder / "words")).searcher()
        self._labels = read_labels(folder)

    def search(self, query: Query, *, now: datetime) -> Results:
        """What matches, best first; where nothing does, what matches when something is given up.

        Aspects, values and the category may be called what the ontology calls them, in either language.
        """
        query = canonical(query, self._labels.ontology)
        asked = constraints(query, now=now)
        read = read_concepts(query.text, self._searcher, self._labels, self._spelling)
        known = [concept for concept in read.concepts if concept.query is not None]
        unknown = [concept.text for concept in read.concepts if concept.query is None]
        if read.concepts and not known:
            nothing = Relaxation(constraint="words", value=" ".join(unknown))
            return Results(product_ids=(), scores=(), total=0, facets={}, relaxed=(nothing,), corrected=read.corrected)
        kept, dropped, agreed = self._relaxed(asked, known)
        relaxed = [Relaxation(constraint=one.name, value=one.value) for one in dropped]
        filters = [one.filter for one in kept]
        matched = all_of([_agreeing(known, agreed), *filters])
        found = self._ranked(query, matched, read, known, agreed, filters, now)
        given_up = unknown + (self._missing(known, found.ids[0]) if agreed < len(known) and found.ids else [])
        if given_up:
            relaxed.append(Relaxation(constraint="words", value=" ".join(given_up)))
        return Results(
            product_ids=found.ids,
            scores=found.scores,
            total=found.total,
            facets=facets(self._searcher, query, kept, _agreeing(known, agreed)) if found.total else {},
            relaxed=tuple(relaxed),
            corrected=read.corrected,
        )

    def _relaxed(self, asked: list[Constraint], known: list[Concept]) -> tuple[list[Constraint], list[Constraint], int]:
        """(constraints that stay, those given up, how many concepts a product has to have) so that something matches."""
        for agreed in range(len(known), 0, -1) if known else (0,):
            words = _agreeing(known, agreed)
            if agreed and len(known) > agreed and not self._count([words]):
                continue
            for kept in _ways(asked):
                if self._count([words, *(one.filter for one in kept)]):
                    return kept, [one for one in asked if one not in kept], agreed
        return asked, [], len(known)

    def _ranked(
        self,
        query: Query,
        matched: "tantivy.Query",
        read: Concepts,
        known: list[Concept],
        agreed: int,
        filters: list["tantivy.Query"],
        now: datetime,
    ) -> _Found:
        """The page asked for. By relevance, what has fewer of the concepts follows what has them all."""
        end = min(query.offset + query.limit, _MOST)
        if query.sort != "relevance":
            found = self._by_price(matched, end, now, dearest_first=query.sort == "-price")
        else:
            found = self._best(_with_hints(matched, read.hints), end)
            fewer = agreed
            while len(found.ids) < end and fewer > (len(known) + 1) // 2:
                fewer -= 1
                wider = all_of([_agreeing(known, fewer), *filters])
                found = _joined(found, self._best(_with_hints(wider, read.hints), end), end)
        page = slice(max(query.offset, 0), max(end, 0))
        return _Found(ids=found.ids[page], scores=found.scores[page], total=found.total)

    def _best(self, wanted: "tantivy.Query", limit: int) -> _Found:
        found = self._searcher.search(wanted, max(limit, 1))
        return _Found(
            ids=tuple(self._searcher.doc(address).get_first("id") or "" for _score, address in found.hits),
            scores=tuple(round(score, 4) for score, _address in found.hits),
            total=found.count or 0,
        )

    def _by_price(self, matched: "tantivy.Query", limit: int, now: datetime, *, dearest_first: bool) -> _Found:
        """Sorted by what products cost at a moment: those on sale and the others apart, then both together."""
        from tantivy import Order

        order = Order.Desc if dearest_first else Order.Asc
        reduced = on_sale(now)
        priced: list[tuple[int, str]] = []
        total = 0
        for part, field in ((all_of([matched, reduced]), "sale_price"), (without(matched, reduced), "price")):
            found = self._searcher.search(part, max(limit, 1), order_by_field=field, order=order)
            total += found.count or 0
            priced += [(int(price), self._searcher.doc(address).get_first("id") or "") for price, address in found.hits]
        priced.sort(key=lambda one: (-one[0] if dearest_first else one[0], one[1]))
        return _Found(
            ids=tuple(one for _price, one in priced[:limit]), scores=(0.0,) * len(priced[:limit]), total=total
        )

    def _count(self, queries: Sequence["tantivy.Query"]) -> int:
        return self._searcher.search(all_of(list(queries)), 1).count or 0

    def _missing(self, known: list[Concept], product_id: str) -> list[str]:
        """The concepts that a product has not."""
        itself = term("id", product_id)
        return [concept.text for concept in known if concept.query and not self._count([itself, concept.query])]

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(dict(self._searcher.terms_with_prefix("spelling", "")))


def _ways(asked: list[Constraint]) -> Iterator[list[Constraint]]:
    """All constraints, then all but one in the order in which they are given up, then ever fewer from the front."""
    yield asked
    free = [one for one in asked if one.name]
    for dropped in free:
        yield [one for one in asked if one is not dropped]
    for count in range(2, len(free) + 1):
        yield [one for one in asked if one not in free[:count]]


def _agreeing(known: list[Concept], at_least: int) -> "tantivy.Query":
    """What has so many of the concepts, among them the kind of thing, if it is to have any."""
    from tantivy import Occur, Query

    kinds = [concept.query for concept in known if concept.query is not None and concept.is_kind and at_least]
    others = [(Occur.Should, concept.query) for concept in known if concept.query is not None and not concept.is_kind]
    required = max(at_least - len(kinds), 0)
    if required and others:
        kinds.append(Query.boolean_query(others, minimum_number_should_match=required))
        return all_of(kinds)
    return Query.boolean_query([*((Occur.Must, kind) for kind in kinds), *others]) if kinds else Query.all_query()


def _with_hints(matched: "tantivy.Query", hints: Sequence["tantivy.Query"]) -> "tantivy.Query":
    from tantivy import Occur, Query

    return Query.boolean_query([(Occur.Must, matched), *((Occur.Should, hint) for hint in hints)])


def _joined(first: _Found, second: _Found, limit: int) -> _Found:
    """The first's, then what the second adds."""
    added = [(one, score) for one, score in zip(second.ids, second.scores, strict=True) if one not in first.ids]
    added = added[: limit - len(first.ids)]
    return _Found(
        ids=(*first.ids, *(one for one, _score in added)),
        scores=(*first.scores, *(score for _one, score in added)),
        total=first.total,
    )
