"""The constraints of a query, each as a filter of the index under its name. Knows no words and gives nothing up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.product import Product, Variant
from zhanggui.catalog.search.fitting import choices, fitting
from zhanggui.catalog.search.query import Query, Relaxation
from zhanggui.catalog.search.record import JOINT, moment, schema, term
from zhanggui.money import Money

if TYPE_CHECKING:
    import tantivy

_LARGEST = 2**62


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """One of a query's constraints."""

    name: str
    """As `Relaxation.constraint` says it; "" for one that is never given up."""
    value: str
    filter: "tantivy.Query"


def constraints(query: Query, *, now: datetime) -> list[Constraint]:
    """A query's constraints in the order in which they are given up: prices, aspects from the last named one, category, stock."""
    asked = []
    if query.price_min is not None:
        asked.append(_constraint("price_min", str(query.price_min), _price(query.price_min, None, now)))
    if query.price_max is not None:
        asked.append(_constraint("price_max", str(query.price_max), _price(None, query.price_max, now)))
    for aspect, values in reversed(list(query.wanted.items())):
        if values:
            terms = any_of(term("aspects", aspect + JOINT + value) for value in values)
            asked.append(_constraint(aspect, ", ".join(values), terms))
    if query.category:
        asked.append(_constraint("category", query.category, term("category", query.category)))
    if query.in_stock:
        asked.append(_constraint("in_stock", "", _boolean("sold_out", value=False)))
    refused = [term("common", aspect + JOINT + value) for aspect, values in query.unwanted.items() for value in values]
    if refused:
        asked.append(_constraint("", "", _none_of(refused)))
    return asked


def canonical(query: Query, ontology: Ontology) -> Query:
    """The query with aspects, values and category as the ontology names them."""

    def named(asked: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        canonical_values: dict[str, tuple[str, ...]] = {}
        for name, values in asked.items():
            aspect = ontology.aspect(name)
            meant = tuple((aspect and aspect.value(value)) or value for value in values)
            canonical_values[aspect.name if aspect else name] = meant
        return canonical_values

    path = ontology.category(query.category) or query.category
    return replace(query, category=path, wanted=named(query.wanted), unwanted=named(query.unwanted))


def relaxed_query(query: Query, relaxed: Iterable[Relaxation]) -> Query:
    """The query without the constraints that were given up."""
    for given_up in relaxed:
        match given_up.constraint:
            case "price_min":
                query = replace(query, price_min=None)
            case "price_max":
                query = replace(query, price_max=None)
            case "category":
                query = replace(query, category="")
            case "in_stock":
                query = replace(query, in_stock=False)
            case aspect:
                query = replace(query, wanted={name: values for name, values in query.wanted.items() if name != aspect})
    return query


def holds(query: Query, product: Product, ontology: Ontology, *, now: datetime) -> bool:
    """Whether price and stock of a product, or of one of its variants with the values, are now what the query asks for."""
    price = product.price_at(now)
    bounds = [bound for bound in (query.price_min, query.price_max) if bound is not None]
    if any(bound.currency != price.currency for bound in bounds):
        return False
    if product.variants:
        return bool(variants_fitting(query, product, ontology, now=now))
    return (
        (query.price_min is None or query.price_min.minor <= price.minor)
        and (query.price_max is None or price.minor <= query.price_max.minor)
        and not (query.in_stock and product.sold_out)
    )


def variants_fitting(query: Query, product: Product, ontology: Ontology, *, now: datetime) -> tuple[Variant, ...]:
    """The variants of a product that are all that the query asks for, at a moment."""
    known = choices(product, ontology)
    fits = {choice.variant_id for choice in fitting(canonical(query, ontology), known, on_sale=product.on_sale(now))}
    return tuple(variant for variant in product.variants if variant.variant_id in fits)


def has_variants() -> "tantivy.Query":
    """The products that have variants."""
    return _range("highest", 0, _LARGEST)


def on_sale(now: datetime) -> "tantivy.Query":
    """The products whose sale price holds at a moment."""
    at = moment(now)
    return all_of([_range("sale_from", None, at), _range("sale_until", at + 1, None)])


def all_of(queries: Sequence["tantivy.Query"]) -> "tantivy.Query":
    """What matches every one of these; without any, everything."""
    from tantivy import Occur, Query

    return Query.boolean_query([(Occur.Must, one) for one in queries]) if queries else Query.all_query()


def any_of(queries: Iterable["tantivy.Query"]) -> "tantivy.Query":
    """What matches one of these."""
    from tantivy import Occur, Query

    return Query.boolean_query([(Occur.Should, one) for one in queries])


def without(query: "tantivy.Query", refused: "tantivy.Query") -> "tantivy.Query":
    """What matches `query` and not `refused`."""
    from tantivy import Occur, Query

    return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, refused)])


def _constraint(name: str, value: str, matched: "tantivy.Query") -> Constraint:
    from tantivy import Query

    return Constraint(name=name, value=value, filter=Query.const_score_query(matched, 0.0))


def _price(lowest: Money | None, highest: Money | None, now: datetime) -> "tantivy.Query":
    """What costs so much at a moment."""
    from tantivy import Query

    bound = lowest or highest
    assert bound is not None
    low, high = (lowest.minor if lowest else 0), (highest.minor if highest else _LARGEST)
    reduced = on_sale(now)
    # Of variants no more is said than that they may cost so much: `fitting` tells whether one does that is wanted.
    among_variants = all_of([_range("lowest", 0, high), _range("highest", low, _LARGEST)])
    costs = any_of(
        [
            among_variants,
            all_of([reduced, _range("sale_price", low, high)]),
            all_of([without(Query.all_query(), reduced), _range("price", low, high)]),
        ]
    )
    return all_of([term("currency", bound.currency), costs])


def _none_of(refused: Sequence["tantivy.Query"]) -> "tantivy.Query":
    from tantivy import Query

    return without(Query.all_query(), any_of(refused))


def _boolean(field: str, *, value: bool) -> "tantivy.Query":
    from tantivy import Query

    return Query.term_query(schema(), field, value)


def _range(field: str, lowest: int | None, highest: int | None) -> "tantivy.Query":
    from tantivy import FieldType, Query

    bounded = [min(bound, _LARGEST) if bound is not None else None for bound in (lowest, highest)]
    return Query.range_query(schema(), field, FieldType.Integer, *bounded)
