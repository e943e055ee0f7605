"""How many of the products found have which value of which aspect. Knows no words."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zhanggui.catalog.search.filters import Constraint, all_of
from zhanggui.catalog.search.query import FacetValue, Query
from zhanggui.catalog.search.record import JOINT

if TYPE_CHECKING:
    import tantivy

_MOST_TERMS = 2_000
_MOST_VALUES = 20
_TERMS: Mapping[str, Any] = {"size": _MOST_TERMS, "segment_size": _MOST_TERMS}


def facets(
    searcher: "tantivy.Searcher",
    query: Query,
    kept: Sequence[Constraint],
    words: "tantivy.Query",
    *,
    without: Callable[[str], Sequence[Constraint]],
) -> dict[str, tuple[FacetValue, ...]]:
    """Aspect -> its values among what matches; those of a chosen aspect are counted as if it were not chosen.

    `without` gives the constraints that are left then.
    """
    chosen = {aspect: frozenset(values) for aspect, values in query.wanted.items()}
    chosen |= {"category": frozenset({query.category})} if query.category else {}
    counted = _counts(searcher, kept, words)
    for aspect in chosen:
        counted[aspect] = _counts(searcher, without(aspect), words).get(aspect, {})
    return {
        aspect: _shown(values, chosen.get(aspect, frozenset()))
        for aspect, values in sorted(counted.items(), key=lambda one: -sum(one[1].values()))
        if values
    }


def _counts(
    searcher: "tantivy.Searcher", kept: Sequence[Constraint], words: "tantivy.Query"
) -> dict[str, dict[str, int]]:
    found = searcher.aggregate(
        all_of([words, *(one.filter for one in kept)]),
        {
            "aspects": {"terms": {"field": "aspects", **_TERMS}},
            "category": {"terms": {"field": "category", **_TERMS}},
        },
    )
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for bucket in found["category"]["buckets"]:
        counted["category"][bucket["key"]] = int(bucket["doc_count"])
    for bucket in found["aspects"]["buckets"]:
        aspect, _, value = bucket["key"].partition(JOINT)
        counted[aspect][value] = int(bucket["doc_count"])
    return counted


def _shown(values: Mapping[str, int], chosen: frozenset[str]) -> tuple[FacetValue, ...]:
    """The most frequent values, and every chosen one."""
    frequent = sorted(values, key=lambda value: (-values[value], value))
    shown = [value for place, value in enumerate(frequent) if place < _MOST_VALUES or value in chosen]
    return tuple(FacetValue(value=value, count=values[value], selected=value in chosen) for value in shown)
