"""Lists of products by relevance or by price, and two lists as one. Knows no query and gives nothing up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zhanggui.catalog.search.concepts import Concept
from zhanggui.catalog.search.filters import all_of, on_sale, without

if TYPE_CHECKING:
    import tantivy


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Products, best first."""

    ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    total: int = 0
    """How many there are beside those listed."""

    def then(self, ids: Sequence[str], *, limit: int) -> "Ranked":
        """These, then others that are not among them, up to so many in all."""
        added = [product_id for product_id in ids if product_id not in set(self.ids)][: max(limit - len(self.ids), 0)]
        return Ranked(ids=(*self.ids, *added), scores=(*self.scores, *[0.0] * len(added)), total=self.total)

    def page(self, start: int, end: int) -> "Ranked":
        """A part of the list."""
        return Ranked(ids=self.ids[start:end], scores=self.scores[start:end], total=self.total)


def best(
    searcher: "tantivy.Searcher", matched: "tantivy.Query", hints: Sequence["tantivy.Query"], *, limit: int
) -> Ranked:
    """What matches, by relevance; what hints say makes it likelier."""
    from tantivy import Occur, Query

    clauses = [(Occur.Must, matched), *((Occur.Should, hint) for hint in hints)]
    result = searcher.search(Query.boolean_query(clauses), max(limit, 1))
    return Ranked(
        ids=tuple(_id(searcher, address) for _score, address in result.hits),
        scores=tuple(round(float(score), 4) for score, _address in result.hits),
        total=result.count or 0,
    )


def by_price(
    searcher: "tantivy.Searcher",
    matched: "tantivy.Query",
    *,
    limit: int,
    now: datetime,
    dearest_first: bool,
    costs: Mapping[str, tuple[int, int]],
) -> Ranked:
    """What matches, by what it costs at a moment: those on sale and the others apart, then both together.

    `costs`: the lowest and the highest price of those of which only some variants are meant.
    """
    from tantivy import Order

    order = Order.Desc if dearest_first else Order.Asc
    reduced = on_sale(now)
    priced: list[tuple[int, str]] = []
    taken = max(limit, 1) if not costs else max(limit, len(costs), 1)
    total = 0
    for part, field in ((all_of([matched, reduced]), "sale_price"), (without(matched, reduced), "price")):
        result = searcher.search(part, taken, order_by_field=field, order=order)
        total += result.count or 0
        for price, address in result.hits:
            product_id = _id(searcher, address)
            lowest_and_highest = costs.get(product_id, (int(price), int(price)))
            priced.append((lowest_and_highest[dearest_first], product_id))
    priced.sort(key=lambda one: (-one[0] if dearest_first else one[0], one[1]))
    ids = tuple(product_id for _price, product_id in priced[:limit])
    return Ranked(ids=ids, scores=(0.0,) * len(ids), total=total)


def agreeing(concepts: Sequence[Concept], at_least: int) -> "tantivy.Query":
    """What has so many of the concepts, among them the kind of thing, if it is to have any."""
    from tantivy import Occur, Query

    kinds = [one.query for one in concepts if one.query is not None and one.is_kind and at_least]
    others = [(Occur.Should, one.query) for one in concepts if one.query is not None and not one.is_kind]
    required = max(at_least - len(kinds), 0)
    if required and others:
        return all_of([*kinds, Query.boolean_query(others, minimum_number_should_match=required)])
    return Query.boolean_query([*((Occur.Must, kind) for kind in kinds), *others]) if kinds else Query.all_query()


def count(searcher: "tantivy.Searcher", queries: Sequence["tantivy.Query"]) -> int:
    """How many products match all of these."""
    from tantivy import Query

    unscored = Query.const_score_query(all_of(queries), 0.0)
    return searcher.search(unscored, 1).count or 0


def _id(searcher: "tantivy.Searcher", address: "tantivy.DocAddress") -> str:
    return searcher.doc(address).get_first("id") or ""
