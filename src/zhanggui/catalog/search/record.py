"""A product as one record of the index: its words by field, its aspects, what it costs and when. Knows no query."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from zhanggui.catalog.ontology import aspect_values
from zhanggui.catalog.product import Product
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
    for name in ("category", "aspects"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("leaf", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("currency", tokenizer_name="raw", index_option="basic")
    for name in ("price", "sale_price", "sale_from", "sale_until"):
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
    for aspect, value in _aspects(product, labels, titles, brand):
        document.add_text("aspects", aspect + JOINT + value)
    steps = product.category.split(" > ") if product.category else []
    for depth in range(len(steps)):
        document.add_text("category", " > ".join(steps[: depth + 1]))
    for path in _kinds(product, labels):
        document.add_text("leaf", path)
    _add_prices(document, product)
    return document


def _stems(texts: Iterable[list[str]]) -> str:
    return " ".join(stem(word) for word in _all(texts))


def _all(texts: Iterable[list[str]]) -> Iterator[str]:
    return (word for text in texts for word in text)


def _is_spelt(word: str) -> bool:
    """Whether a word is one that a misspelt word may have been meant for."""
    return len(word) > 1 if is_chinese(word) else len(word) > 3 and word.isalpha()


def _aspects(product: Product, labels: Labels, titles: list[list[str]], brand: list[str]) -> Iterator[tuple[str, str]]:
    stated = aspect_values(labels.ontology, product)
    for aspect, values in stated.items():
        yield from ((aspect, value) for value in sorted(values))
    said = {
        (aspect, value) for title in titles for _start, _end, aspect, value in labels.spans(title) if value not in brand
    }
    yield from sorted((aspect, value) for aspect, value in said if aspect not in stated)


def _kinds(product: Product, labels: Labels) -> set[str]:
    """The category of a product, or those below it that its titles name; UNKNOWN where only a wide one is known."""
    if product.category and product.category not in labels.wide:
        return {product.category}
    named = {named_in(title, labels.names) for title in product.titles.values()} - {""}
    return {path for path in named if not product.category or is_within(path, product.category)} or {UNKNOWN}


def _add_prices(document: "Document", product: Product) -> None:
    sale = product.sale_price
    document.add_text("currency", product.price.currency)
    document.add_integer("price", product.price.minor)
    document.add_integer("sale_price", sale.minor if sale else 0)
    document.add_integer("sale_from", NEVER if sale is None else moment(product.sale_from) if product.sale_from else 0)
    document.add_integer("sale_until", moment(product.sale_until) if product.sale_until else NEVER)
    document.add_boolean("sold_out", product.sold_out)


def moment(at: datetime) -> int:
    """A moment in microseconds since 1970."""
    return int(at.timestamp() * 1_000_000)
