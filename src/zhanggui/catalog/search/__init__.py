"""Search over the catalogue: words of two languages, filters, facets, and what to give up when nothing matches."""

from zhanggui.catalog.search.query import FacetValue, Query, Relaxation, Results

__all__ = ["FacetValue", "Query", "Relaxation", "Results"]
