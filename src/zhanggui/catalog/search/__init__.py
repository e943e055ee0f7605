"""Search over the catalogue: words of two languages, filters, facets, and what to give up when nothing matches."""

from zhanggui.catalog.search.asked import read_query
from zhanggui.catalog.search.filters import relaxed_query, variants_fitting
from zhanggui.catalog.search.index import SearchIndex
from zhanggui.catalog.search.query import FacetValue, Query, Relaxation, Results, Sort
from zhanggui.catalog.search.settings import SearchSettings
from zhanggui.catalog.search.shelf import SearchShelf
from zhanggui.catalog.search.vectors import Embedder, encoder_embedder

__all__ = [
    "Embedder",
    "FacetValue",
    "Query",
    "Relaxation",
    "Results",
    "SearchIndex",
    "SearchSettings",
    "SearchShelf",
    "Sort",
    "encoder_embedder",
    "read_query",
    "relaxed_query",
    "variants_fitting",
]
