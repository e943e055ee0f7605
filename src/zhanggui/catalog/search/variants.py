"""The variants of what an index matches, held against a query one by one. Knows no words and gives nothing up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from zhanggui.catalog.search.filters import Constraint, all_of, any_of, has_variants, on_sale, without
from zhanggui.catalog.search.fitting import fitting, from_json, matters
from zhanggui.catalog.search.query import Query
from zhanggui.catalog.search.record import term

if TYPE_CHECKING:
    import tantivy

MOST = 1_000
"""So many products are looked into, the most relevant first."""


@dataclass(frozen=True, kw_only=True)
class LookedInto:
    """What came of looking into the variants of products."""

    filters: tuple[Constraint, ...]
    """Those that were given, and one that leaves out the products of which no variant fits."""
    costs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Product -> the lowest and the highest price of its variants that fit."""


def look_into(
    searcher: "tantivy.Searcher", query: Query, filters: Sequence[Constraint], words: "tantivy.Query", *, now: datetime
) -> LookedInto:
    """Leave out what matches the words and the filters, but has no variant that is all that `query` asks for."""
    from tantivy import Query as Match

    if not matters(query):
        return LookedInto(filters=tuple(filters))
    matched = all_of([words, has_variants(), *(one.filter for one in filters)])
    reduced, misfits, costs = on_sale(now), list[str](), dict[str, tuple[int, int]]()
    for part, is_reduced in ((all_of([matched, reduced]), True), (without(matched, reduced), False)):
        for _score, address in searcher.search(part, MOST).hits:
            document = searcher.doc(address)
            product_id, known = document.get_first("id") or "", from_json(document.get_first("variants") or "[]")
            prices = [choice.costs(on_sale=is_reduced) for choice in fitting(query, known, on_sale=is_reduced)]
            if prices:
                costs[product_id] = (min(prices), max(prices))
            else:
                misfits.append(product_id)
    if not misfits:
        return LookedInto(filters=tuple(filters), costs=costs)
    fits = without(Match.all_query(), any_of(term("id", product_id) for product_id in misfits))
    left_out = Constraint(name="", value="", filter=Match.const_score_query(fits, 0.0))
    return LookedInto(filters=(*filters, left_out), costs=costs)
