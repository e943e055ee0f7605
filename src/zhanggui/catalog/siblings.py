"""Rows of one product, one for each of its variants, put together (`item_group_id`). Knows no format and no store."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from zhanggui.catalog.ontology import general_ontology
from zhanggui.catalog.product import Product, Variant, with_variants
from zhanggui.catalog.row import Siblings
from zhanggui.errors import ProductError

_CHOSEN_BY = ("colour", "size")
"""Aspects that a variant has of its own also where its siblings are not at hand to differ from."""
_DANGLING = re.compile(r"[\s\-–—,，、/|·(（\[:：]+$")


@dataclass(kw_only=True)
class SiblingRows:
    """Collects rows by their group; a row of a variant that was there before takes its place."""

    whole: bool
    """The rows are all variants that their products have."""
    _groups: dict[str, dict[str, tuple[Product, Mapping[str, str] | None]]] = field(default_factory=dict)

    def add(self, group: str, row: Product, options: Mapping[str, str] | None) -> None:
        """Take in a row. `options` None: they are what it has unlike its siblings. Raises ProductError."""
        rows = self._groups.setdefault(group, {})
        first = next(iter(rows.values()), (row, options))[0].price.currency
        if row.price.currency != first:
            raise ProductError(f"it is in {row.price.currency}, other variants are in {first}", field="price")
        rows[row.product_id] = (row, options)

    def products(self) -> Iterator[Siblings]:
        """One product a group, in the order in which the groups began."""
        for group, rows in self._groups.items():
            yield Siblings(product=_together(group, list(rows.values())), whole=self.whole)


def joined(known: Product, new: Product, *, without: Collection[str]) -> Product:
    """The product with its new variants and those known before but `without` some, in the order in which they were known."""
    currency = new.price.currency
    old = [
        variant
        for variant in known.variants
        if variant.variant_id not in without and variant.price.currency == currency
    ]
    merged = {variant.variant_id: variant for variant in (*old, *new.variants)}
    order = dict.fromkeys(variant.variant_id for variant in (*known.variants, *new.variants))
    return with_variants(new, [merged[variant_id] for variant_id in order if variant_id in merged])


def _together(group: str, rows: Sequence[tuple[Product, Mapping[str, str] | None]]) -> Product:
    products = [product for product, _ in rows]
    first = products[0]
    differing = _differing(products)
    variants = [
        _variant(product, options if options is not None else _own(product, differing), first)
        for product, options in rows
    ]
    begins, ends = _sale_time(products)
    shared = {name: text for name, text in first.attributes.items() if name not in differing}
    if begins is not None and ends is not None and begins >= ends:
        variants, begins, ends = [replace(variant, sale_price=None) for variant in variants], None, None
    pictures = [url for row in products for url in (row.image_url, *row.image_urls)]
    product = replace(
        first,
        product_id=group,
        titles={
            language: _common([row.titles[language] for row in products if language in row.titles])
            for language in first.titles
        },
        attributes=shared if rows[0][1] is None else {},
        sale_from=begins,
        sale_until=ends,
        ahead="",
        image_urls=tuple(dict.fromkeys(url for url in pictures if url and url != first.image_url)),
    )
    return with_variants(product, variants)


def _variant(row: Product, options: Mapping[str, str], first: Product) -> Variant:
    return Variant(
        variant_id=row.product_id,
        options=options,
        price=row.price,
        sale_price=row.sale_price,
        stock=row.stock,
        ahead=row.ahead,
        image_url=row.image_url if row.image_url != first.image_url else "",
        url=row.url if row.url != first.url else "",
    )


def _differing(products: Sequence[Product]) -> set[str]:
    """Names of the attributes that are not the same in all, and of those that variants are commonly chosen by."""
    names = {name for product in products for name in product.attributes}
    unlike = {name for name in names if len({product.attributes.get(name) for product in products}) > 1}
    general = general_ontology()
    by_choice = {name for name in names if (aspect := general.aspect(name)) and aspect.name in _CHOSEN_BY}
    return unlike | by_choice


def _own(row: Product, names: set[str]) -> dict[str, str]:
    return {name: text for name, text in row.attributes.items() if name in names}


def _sale_time(products: Sequence[Product]) -> tuple[datetime | None, datetime | None]:
    """When all sale prices of the siblings hold."""
    on_sale = [product for product in products if product.sale_price is not None]
    begins = [product.sale_from for product in on_sale if product.sale_from is not None]
    ends = [product.sale_until for product in on_sale if product.sale_until is not None]
    return max(begins, default=None), min(ends, default=None)


def _common(titles: Sequence[str]) -> str:
    """What the titles begin with alike ("Shirt - Blue", "Shirt - Red": "Shirt"); the first, where that is too little."""
    alike = "".join(signs[0] for signs in takewhile(lambda signs: len(set(signs)) == 1, zip(*titles, strict=False)))
    if any(
        title[len(alike) : len(alike) + 1].isascii() and title[len(alike) : len(alike) + 1].isalnum()
        for title in titles
    ):
        alike = alike.rpartition(" ")[0]  # not within a word
    alike = _DANGLING.sub("", alike)
    return alike if 3 * len(alike) >= min(map(len, titles)) else titles[0]
