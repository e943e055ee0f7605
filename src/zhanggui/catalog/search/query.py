"""What is asked of the search and what it answers, as frozen nouns. Knows neither index nor words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zhanggui.catalog.product import Language
from zhanggui.money import Money

Sort = Literal["relevance", "price", "-price"]


@dataclass(frozen=True, kw_only=True)
class Query:
    """Words and filters of one search. Untrusted as they are, words of any kind and length are looked for and never refused."""

    text: str = ""
    language: Language | None = None
    """Of the words, where it is known; both languages are looked in all the same."""
    category: str = ""
    """A category and what is below it ("Tea" holds "Tea > Green")."""
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Aspect -> values of which a product has at least one. The aspect named last is given up first."""
    unwanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Aspect -> values that a product must not have. They are never given up: somebody may be allergic."""
    price_min: Money | None = None
    price_max: Money | None = None
    """What a product costs at the moment of the search; products in another currency are left out."""
    in_stock: bool = False
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 10


@dataclass(frozen=True, kw_only=True)
class FacetValue:
    """A value that products have which were found, and how many do."""

    value: str
    count: int
    selected: bool
    """Whether the query wanted it. The others of its aspect are counted as if it did not."""


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """A constraint that was given up so that something could be found."""

    constraint: str
    """ "price_min", "price_max", "category", "in_stock", "words", or the name of an aspect."""
    value: str
    """What had been asked for: "300.00 CNY", "blue", the words that nothing matched."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a search found, best first."""

    product_ids: tuple[str, ...]
    scores: tuple[float, ...]
    total: int
    facets: Mapping[str, tuple[FacetValue, ...]]
    """Aspect -> values, the most frequent first; "category" and "brand" are among the aspects."""
    relaxed: tuple[Relaxation, ...]
    """In the order in which constraints were given up; empty when everything asked for holds."""
    corrected: str
    """The words with their spelling mended, or "" where nothing was to mend."""
