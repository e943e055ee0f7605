"""One row of any feed as a product, or why not. Knows the fields, not the formats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zhanggui.catalog import cell
from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import LANGUAGES, Language, Product, with_variants
from zhanggui.catalog.variant_row import read_variants
from zhanggui.errors import ProductError

_GONE = {"discontinued", "deleted", "archived"}
FIELDS = frozenset(
    {
        "product_id",
        "title",
        "title_en",
        "title_zh",
        "description",
        "description_en",
        "description_zh",
        "brand",
        "category",
        "google_category",
        "price",
        "sale_price",
        "sale_price_effective_date",
        "currency",
        "stock",
        "availability",
        "url",
        "image_url",
        "image_urls",
        "item_group_id",
        "variants",
        "attributes",
        "deleted",
    }
)
"""What a row may name; every other key is an attribute."""


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """A product that the feed takes out of the catalogue."""

    product_id: str


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """A product as rows of its variants make it out."""

    product: Product
    whole: bool
    """These are all its variants; otherwise those that are known stay beside them."""

    @property
    def product_id(self) -> str:
        """The product's id."""
        return self.product.product_id


def _raise(error: ProductError) -> None:
    raise error


def read(
    row: Mapping[str, Any], *, currency: str, language: Language, refuse: cell.Refuse = _raise
) -> Product | Deletion:
    """Check one row. `currency` and `language` hold where the row names none. Raises ProductError with the field.

    Of a row that can be sold from, `refuse` is told each bad variant and further picture; without it they are raised.
    """
    product_id = cell.text(row, "product_id", "product_id")
    if not product_id:
        raise ProductError("it is empty", field="product_id", hint="every product needs an id")
    if str(row.get("deleted", "")).strip().lower() in ("1", "true", "yes"):
        return Deletion(product_id=product_id)
    if cell.text(row, "availability", "attribute").lower() in _GONE:
        return Deletion(product_id=product_id)
    titles = _by_language(row, "title", language)
    if not titles:
        raise ProductError("it is empty", field="title", hint="name it in at least one language")
    own = cell.text(row, "currency", "attribute").upper() or currency
    price, sale = cell.prices(row, own)
    variants = read_variants(row, currency=price.currency if price else own, refuse=refuse)
    if price is None and variants:
        price = variants[0].price
    if price is None:
        raise ProductError("it is empty", field="price", hint="such as 19.90 or 19.90 USD")
    on_sale = sale is not None or any(variant.sale_price for variant in variants)
    begins, ends = cell.interval(row) if on_sale else (None, None)
    stock, ahead = cell.availability(row)
    product = Product(
        product_id=product_id,
        titles=titles,
        descriptions=_by_language(row, "description", language),
        brand=cell.text(row, "brand", "brand"),
        category=_category(row),
        price=price,
        sale_price=sale,
        sale_from=begins,
        sale_until=ends,
        stock=stock,
        ahead=ahead,
        attributes=_attributes(row),
        url=cell.url(row, "url"),
        image_url=cell.url(row, "image_url"),
        image_urls=cell.pictures(row, "image_urls", refuse),
    )
    return with_variants(product, variants) if variants else product


def _by_language(row: Mapping[str, Any], field: str, language: Language) -> dict[Language, str]:
    lines = field == "description"
    texts = {named: cell.text(row, f"{field}_{named}", field, lines=lines) for named in LANGUAGES}
    texts[language] = texts[language] or cell.text(row, field, field, lines=lines)
    return {named: text for named, text in texts.items() if text}


def _category(row: Mapping[str, Any]) -> str:
    own, googles = cell.text(row, "category", "category"), cell.text(row, "google_category", "category")
    path = own or (googles if not googles.isdigit() else "")  # Google's number of a category tells a reader nothing
    return " > ".join(part.strip() for part in re.split(r">|›|/(?=\s)", path) if part.strip())


def _attributes(row: Mapping[str, Any]) -> dict[str, str]:
    own = row.get("attributes")
    named = dict(own) if isinstance(own, Mapping) else {}
    if own is not None and not isinstance(own, Mapping):
        raise ProductError("it is not an object of names and values", field="attributes")
    named |= {key: value for key, value in row.items() if key not in FIELDS}
    texts = {clean(str(key))[:60]: cell.text(named, key, "attribute") for key in named if isinstance(key, str)}
    return {key: value for key, value in texts.items() if key and value}
