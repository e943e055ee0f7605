"""One opened index: answers queries, and gives constraints up where nothing matches. Knows no SQL and no artifact.

The order in which constraints are given up is that of `filters.constraints`; what words ask for comes last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zhanggui.catalog.product import Product, Variant
from zhanggui.catalog.search.concepts import Concept, Concepts, read_concepts
from zhanggui.catalog.search.facets import facets
from zhanggui.catalog.search.filters import (
    Constraint,
    all_of,
    any_of,
    canonical,
    constraints,
    holds,
    relaxed_query,
    variants_fitting,
)
from zhanggui.catalog.search.labels import read_labels
from zhanggui.catalog.search.query import FacetValue, Query, Relaxation, Results
from zhanggui.catalog.search.ranking import Ranked, agreeing, best, by_price, count
from zhanggui.catalog.search.record import term
from zhanggui.catalog.search.spelling import Spelling
from zhanggui.catalog.search.variants import LookedInto, look_into
from zhanggui.catalog.search.vectors import Embedder, fused, has_vectors, read_vectors

if TYPE_CHECKING:
    import tantivy

_MOST = 1_000
"""So many results a query can page through."""
_NEAREST = 200


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is looked for once it is known what has to be given up."""

    query: Query
    """Without the constraints that are given up."""
    kept: tuple[Constraint, ...]
    looked_into: LookedInto
    agreed: int
    """So many of the known concepts a product has to have."""
    concepts: Concepts
    known: tuple[Concept, ...]

    @property
    def filters(self) -> tuple[Constraint, ...]:
        return self.looked_into.filters

    @property
    def words(self) -> "tantivy.Query":
        return agreeing(self.known, self.agreed)

    def matched(self, agreed: int) -> "tantivy.Query":
        """What keeps the filters and has so many of the concepts."""
        return all_of([agreeing(self.known, agreed), *(one.filter for one in self.filters)])


class SearchIndex:
    """The index in `folder`; it may be shared between threads. Raises what tantivy raises where it is broken."""

    def __init__(self, folder: Path, *, embedder: Embedder | None = None) -> None:
        from tantivy import Index

        self._searcher = Index.open(str(folder / "words")).searcher()
        self._labels = read_labels(folder)
        self._embedder = embedder
        self._vectors = read_vectors(folder) if embedder is not None and has_vectors(folder) else None

    def search(self, query: Query, *, now: datetime) -> Results:
        """What matches, best first; where nothing does, what matches when something is given up.

        Aspects, values and the category may be called what the ontology calls them, in either language.
        """
        query = canonical(query, self._labels.ontology)
        asked = constraints(query, now=now)
        concepts = read_concepts(query.text, self._searcher, self._labels, self._spelling)
        known = tuple(one for one in concepts.concepts if one.query is not None)
        unknown = [one.text for one in concepts.concepts if one.query is None]
        if unknown and not known and self._vectors is None:
            nothing = Relaxation(constraint="words", value=" ".join(unknown))
            return Results(
                product_ids=(), scores=(), total=0, facets={}, relaxed=(nothing,), corrected=concepts.corrected
            )
        plan = self._plan(query, asked, concepts, known, now=now)
        ranked, agreed = self._ranked(query, plan, now=now), plan.agreed
        relaxed = [Relaxation(constraint=one.name, value=one.value) for one in asked if one not in plan.kept]
        if agreed < len(known) and ranked.ids:
            unknown += self._missing(known, ranked.ids[0])
        if unknown:
            relaxed.append(Relaxation(constraint="words", value=" ".join(unknown)))
        page = ranked.page(max(query.offset, 0), max(query.offset, 0) + max(query.limit, 0))
        return Results(
            product_ids=page.ids,
            scores=page.scores,
            total=page.total,
            facets=self._facets(query, plan, now=now) if page.total else {},
            relaxed=tuple(relaxed),
            corrected=concepts.corrected,
        )

    def holds(self, query: Query, product: Product, *, now: datetime) -> bool:
        """Whether price and stock of a product, or of one of its variants with the values, are now what the query asks for."""
        return holds(query, product, self._labels.ontology, now=now)

    def fitting(self, query: Query, product: Product, *, now: datetime) -> tuple[Variant, ...]:
        """The variants of a product that are all that the query asks for, at a moment."""
        return variants_fitting(query, product, self._labels.ontology, now=now)

    def _plan(
        self, query: Query, asked: list[Constraint], concepts: Concepts, known: tuple[Concept, ...], *, now: datetime
    ) -> _Plan:
        """The constraints that stay, and how many concepts a product has to have, so that something matches."""
        fewest = agreeing(known, (len(known) + 1) // 2)
        for agreed in range(len(known), 0, -1) if known else (0,):
            words = agreeing(known, agreed)
            if asked and not count(self._searcher, [words]):
                continue  # the words alone are too many
            for kept in _ways(asked):
                if not count(self._searcher, [words, *(one.filter for one in kept)]):
                    continue
                left = relaxed_query(
                    query, [Relaxation(constraint=one.name, value="") for one in asked if one not in kept]
                )
                looked_into = look_into(self._searcher, left, kept, fewest, now=now)
                if len(looked_into.filters) == len(kept) or count(
                    self._searcher, [words, *(one.filter for one in looked_into.filters)]
                ):
                    return _Plan(
                        query=left,
                        kept=tuple(kept),
                        looked_into=looked_into,
                        agreed=agreed,
                        concepts=concepts,
                        known=known,
                    )
        nothing = LookedInto(filters=tuple(asked))
        return _Plan(
            query=query, kept=tuple(asked), looked_into=nothing, agreed=len(known), concepts=concepts, known=known
        )

    def _facets(self, query: Query, plan: _Plan, *, now: datetime) -> dict[str, tuple[FacetValue, ...]]:
        """What there is to choose from; the values of a chosen aspect as if it were not chosen."""

        def without(aspect: str) -> tuple[Constraint, ...]:
            others = [one for one in plan.kept if one.name != aspect]
            left = relaxed_query(plan.query, [Relaxation(constraint=aspect, value="")])
            return look_into(self._searcher, left, others, plan.words, now=now).filters

        return facets(self._searcher, query, plan.filters, plan.words, without=without)

    def _ranked(self, query: Query, plan: _Plan, *, now: datetime) -> Ranked:
        """From the best on. By relevance, what has fewer of the concepts follows what has them all."""
        limit = min(max(query.offset, 0) + max(query.limit, 0), _MOST)
        matched = plan.matched(plan.agreed)
        if query.sort != "relevance":
            dearest_first, costs = query.sort == "-price", plan.looked_into.costs
            return by_price(self._searcher, matched, limit=limit, now=now, dearest_first=dearest_first, costs=costs)
        ranked = best(self._searcher, matched, plan.concepts.hints, limit=limit)
        if len(ranked.ids) >= limit and plan.agreed == len(plan.concepts.concepts):
            return ranked
        others = self._with_fewer(plan, limit)
        if self._vectors is None or not plan.concepts.concepts:
            return ranked.then(others.ids, limit=limit)
        exact = ranked if plan.agreed == len(plan.concepts.concepts) and plan.known else Ranked(total=ranked.total)
        wordwise = ranked.then(others.ids, limit=limit).ids if plan.known else ()
        return exact.then(fused(wordwise, self._nearest(query.text, plan)), limit=limit)

    def _with_fewer(self, plan: _Plan, limit: int) -> Ranked:
        """What has fewer of the concepts than agreed, but half of them at least."""
        others = Ranked()
        for fewer in range(plan.agreed - 1, (len(plan.known) + 1) // 2 - 1, -1):
            if len(others.ids) < limit and fewer > 0:
                wider = best(self._searcher, plan.matched(fewer), plan.concepts.hints, limit=limit)
                others = others.then(wider.ids, limit=limit)
        return others

    def _nearest(self, text: str, plan: _Plan) -> list[str]:
        """The products that keep the filters and are most like a text as a whole."""
        assert self._embedder is not None
        assert self._vectors is not None
        nearest = self._vectors.nearest(self._embedder.queries([text])[0], _NEAREST)
        if not plan.filters:
            return nearest
        these = any_of(term("id", product_id) for product_id in nearest)
        kept = best(self._searcher, all_of([these, *(one.filter for one in plan.filters)]), (), limit=_NEAREST)
        return [product_id for product_id in nearest if product_id in set(kept.ids)]

    def _missing(self, known: Sequence[Concept], product_id: str) -> list[str]:
        """The concepts that a product has not."""
        itself = term("id", product_id)
        return [one.text for one in known if one.query and not count(self._searcher, [itself, one.query])]

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(dict(self._searcher.terms_with_prefix("spelling", "")))


def _ways(asked: list[Constraint]) -> Iterator[list[Constraint]]:
    """All constraints, then all but one in the order in which they are given up, then ever fewer from the front."""
    yield asked
    free = [one for one in asked if one.name]
    for dropped in free:
        yield [one for one in asked if one is not dropped]
    for dropped_count in range(2, len(free) + 1):
        yield [one for one in asked if one not in free[:dropped_count]]
