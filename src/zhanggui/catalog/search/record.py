"""A product as one record of the index: its words by field, its aspects, what it costs and when. Knows no query."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from zhanggui.catalog.ontology import aspect_values
from zhanggui.catalog.product import Product
from zhanggui.catalog.search.fitting import choices, common, to_json
from zhanggui.catalog.search.labels import Labels
from zhanggui.catalog.search.names import is_within, named_in
from zhanggui.catalog.search.words import is_chinese, parts, stem, syllables, words

if TYPE_CHECKING:
    from tantivy import Document, Query, Schema

JOINT = "\x1f"
"""Stands between an aspect and its value."""
NEVER = 2**62
"""A moment after all others, in microseconds."""
UNKNOWN = "?"
"""Stands for the category of a product that may be of any."""
NAMING = ("title", "facts", "parts")
TEXTS = (*NAMING, "description")
"""The fields in which words are looked for; what only means the same as a word, in those that name the product."""


@cache
def schema() -> "Schema":
    """The fields of the index."""
    from tantivy import SchemaBuilder

    builder = SchemaBuilder().add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in TEXTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("pinyin", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("spelling", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("variants", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("common", tokenizer_name="raw", index_option="basic")
    for name in ("category", "aspects"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("leaf", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("currency", tokenizer_name="raw", index_option="basic")
    for name in ("price", "sale_price", "sale_from", "sale_until", "lowest", "highest"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_boolean_field("sold_out", indexed=True, fast=True)
    return builder.build()


def term(field: str, text: str) -> "Query":
    """The records that have exactly this text in a field. Any text may be asked for."""
    from tantivy import Query

    return Query.term_query(schema(), field, text.encode("utf-8", "replace").decode())


def record(product: Product, labels: Labels) -> "Document":
    """The record of a product. Where its feed is silent about an aspect, what its titles name counts."""
    from tantivy import Document

    titles, brand = [words(text) for text in product.titles.values()], words(product.brand)
    named = [brand, *(words(text) for text in (*product.attributes.values(), product.category))]
    named += [words(value) for variant in product.variants for value in variant.options.values()]
    document = Document()
    document.add_text("id", product.product_id)
    document.add_text("title", _stems(titles))
    document.add_text("facts", _stems(named))
    document.add_text("parts", " ".join(stem(part) for listed in (*titles, *named) for part in parts(listed)))
    document.add_text("description", _stems(words(text) for text in product.descriptions.values()))
    document.add_text("pinyin", " ".join(syllable for word in _all((*titles, brand)) for syllable in syllables(word)))
    document.add_text("spelling", " ".join(word for word in _all((*titles, *named)) if _is_spelt(word)))
    stated = aspect_values(labels.ontology, product)
    said = _said(labels, titles, brand, stated)
    for aspect, value in (*_pairs(stated), *said):
        document.add_text("aspects", aspect + JOINT + value)
    for aspect, value in (*_pairs(common(product, labels.ontology)), *said):
        document.add_text("common", aspect + JOINT + value)
    steps = product.category.split(" > ") if product.category else []
    for depth in range(len(steps)):
        document.add_text("category", " > ".join(steps[: depth + 1]))
    for path in _kinds(product, labels):
        document.add_text("leaf", path)
    _add_prices(document, product)
    _add_variants(document, product, labels)
    return document


def _stems(texts: Iterable[list[str]]) -> str:
    return " ".join(stem(word) for word in _all(texts))


def _all(texts: Iterable[list[str]]) -> Iterator[str]:
    return (word for text in texts for word in text)


def _is_spelt(word: str) -> bool:
    """Whether a word is one that a misspelt word may have been meant for."""
    return len(word) > 1 if is_chinese(word) else len(word) > 3 and word.isalpha()


def _pairs(values: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    return ((aspect, value) for aspect, texts in values.items() for value in sorted(texts))


def _said(
    labels: Labels, titles: list[list[str]], brand: list[str], stated: Mapping[str, frozenset[str]]
) -> list[tuple[str, str]]:
    """Aspects and values that only the titles name."""
    spans = (span for title in titles for span in labels.spans(title))
    named = {(aspect, value) for _start, _end, aspect, value in spans if value not in brand}
    return sorted((aspect, value) for aspect, value in named if aspect not in stated)


def _kinds(product: Product, labels: Labels) -> set[str]:
    """The category of a product, or those below it that its titles name; UNKNOWN where only a wide one is known."""
    if product.category and product.category not in labels.wide:
        return {product.category}
    named = {named_in(title, labels.names) for title in product.titles.values()} - {""}
    return {path for path in named if not product.category or is_within(path, product.category)} or {UNKNOWN}


def _add_prices(document: "Document", product: Product) -> None:
    reduced = product.sale_price is not None or any(variant.sale_price for variant in product.variants)
    document.add_text("currency", product.price.currency)
    document.add_integer("price", product.price.minor)
    document.add_integer("sale_price", (product.sale_price or product.price).minor if reduced else 0)
    document.add_integer("sale_from", NEVER if not reduced else moment(product.sale_from) if product.sale_from else 0)
    document.add_integer("sale_until", moment(product.sale_until) if product.sale_until else NEVER)
    document.add_boolean("sold_out", product.sold_out)


def _add_variants(document: "Document", product: Product, labels: Labels) -> None:
    """The variants, to be held against a query one by one, and between which prices they are."""
    if known := choices(product, labels.ontology):
        document.add_text("variants", to_json(known))
        document.add_integer("lowest", min(min(choice.price, choice.sale_price) for choice in known))
        document.add_integer("highest", max(choice.price for choice in known))


def moment(at: datetime) -> int:
    """A moment in microseconds since 1970."""
    return int(at.timestamp() * 1_000_000)
