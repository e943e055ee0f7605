"""`engine.catalog`: the products of a shop, from feeds and from calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.catalog import agent_feed, store
from zhanggui.catalog import load as catalog_load
from zhanggui.catalog.learned import LearnedOntology, edit
from zhanggui.catalog.ontology import Ontology, read_ontology, write_ontology
from zhanggui.catalog.ontology.file import to_toml
from zhanggui.catalog.product import Language, Product, Variant, with_variants
from zhanggui.catalog.rows import read_rows
from zhanggui.catalog.search import Query, Results, SearchShelf, relaxed_query
from zhanggui.engine.rejects import Count, Rejects
from zhanggui.errors import InputError, OntologyError
from zhanggui.evaluation.shop_world import ShopWorld, shop_world
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class FeedLoaded:
    """What became of a feed's rows."""

    upserted: int
    deleted: int
    kept: int
    """Products that a full feed does not name, kept since a row was refused whose product nobody knows."""
    rejected: int
    rejects: Path | None
    """The reject file, if there is one."""


@dataclass(frozen=True, kw_only=True)
class ProductsPut:
    """What became of products given as plain data."""

    upserted: int
    deleted: int
    errors: tuple[InputError, ...]
    """One for each bad row."""


@dataclass(frozen=True, kw_only=True)
class FeedWritten:
    """A feed for other assistants, and how many products it has."""

    products: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found: the products as they are now, best first."""

    products: tuple[Product, ...]
    results: Results
    """Of the same products in the same order."""
    fitting: Mapping[str, tuple[Variant, ...]]
    """Product -> its variants that are all that was asked for, price and stock included; of those that have variants."""

    def fitting_ids(self) -> dict[str, list[str]]:
        """The same by their ids."""
        return {
            product_id: [variant.variant_id for variant in variants] for product_id, variants in self.fitting.items()
        }

    def as_asked(self) -> tuple[Product, ...]:
        """The products with only those variants, their prices and stock."""
        return tuple(
            with_variants(product, self.fitting[product.product_id]) if product.variants else product
            for product in self.products
        )


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The products of a shop with this currency and language."""

    database: Database
    rejects: Rejects
    clock: Callable[[], datetime]
    currency: str
    language: Language
    seller: str
    """The shop's name, as other shops' assistants read it."""
    search_index: SearchShelf
    learned: LearnedOntology = field(default_factory=LearnedOntology)

    def load(
        self,
        path: Path,
        *,
        form: str = "auto",
        mapping: Mapping[str, str] | None = None,
        currency: str | None = None,
        language: Language | None = None,
        full: bool = False,
        progress: Count = lambda _n: None,
    ) -> FeedLoaded:
        """Take in a product feed; a `full` one deletes what it does not name. Bad rows go to a reject file.

        Raises ProductError for a file that cannot be read, and for a full one without products.
        """
        with self.rejects.of(path) as rejects, self.database.transaction() as connection:
            done = catalog_load.load_feed(
                connection,
                path,
                rejects=rejects,
                form=form,
                mapping=mapping,
                currency=currency or self.currency,
                language=language or self.language,
                full=full,
                now=self.clock(),
                progress=progress,
            )
        return FeedLoaded(**asdict(done), rejected=rejects.count, rejects=rejects.written)

    def put(self, rows: Sequence[Mapping[str, Any]]) -> ProductsPut:
        """Add, change or delete products given as plain data. Good rows are kept; the errors name the bad ones.

        Also a bad variant or further picture of a row that is kept.
        """
        errors: list[InputError] = []
        good = read_rows(
            ((number, row, "") for number, row in enumerate(rows)),
            currency=self.currency,
            language=self.language,
            refused=lambda error, number, _raw, _ids: errors.append(error.at("", number)),
        )
        with self.database.transaction() as connection:
            upserted, deleted = catalog_load.load(connection, good, now=self.clock())
        return ProductsPut(upserted=upserted, deleted=deleted, errors=tuple(errors))

    def lookup(self, ids: Sequence[str]) -> dict[str, Product]:
        """Products by their ids or by their variants', under the id that was asked for; unknown ids are left out."""
        with self.database.reading() as connection:
            return store.find(connection, ids)

    def write_feed(self, folder: Path, *, language: Language | None = None, country: str = "") -> FeedWritten:
        """Write every product as the Agentic Commerce Protocol has it: `products.jsonl` and `metadata.json` in `folder`."""
        now, spoken = self.clock(), language or self.language
        with self.database.reading() as connection:
            count = agent_feed.write(
                folder, store.every(connection), language=spoken, seller=self.seller, country=country, now=now
            )
        return FeedWritten(products=count, folder=folder)

    def ontology(self) -> Ontology:
        """What shoppers may ask of the products that are there now; what was edited wins."""
        with self.database.reading() as connection:
            return self.learned.of(connection)

    def world(self, *, most: int = 2_000) -> ShopWorld:
        """The shop for simulated dialogues, `most` of its products at random. Raises EvaluationError where there is nothing to ask."""
        with self.database.reading() as connection:
            return shop_world(store.every(connection), self.learned.of(connection), now=self.clock(), most=most)

    def titles(self) -> tuple[str, ...]:
        """What the products are called, in each of their languages."""
        with self.database.reading() as connection:
            return tuple(title for product in store.every(connection) for title in product.titles.values())

    def write_ontology(self, path: Path) -> Ontology:
        """Write what holds now as a file to edit, and return it. Raises OntologyError where another file is there."""
        known = self.ontology()
        if path.exists() and path.read_bytes() != to_toml(known).encode():
            hint = f"take it with --read {path}, move it away, or name another file"
            raise OntologyError("it is there already and says something else", source=str(path), hint=hint)
        write_ontology(path, known)
        return known

    def edit_ontology(self, path: Path) -> Ontology:
        """Take an edited file in place of the one before, and return what holds now.

        Raises OntologyError for a file that is wrong; then the one before still holds.
        """
        edited = read_ontology(path)
        with self.database.transaction() as connection:
            edit(connection, edited, now=self.clock())
            return self.learned.of(connection)

    def search(self, query: Query) -> Found:
        """Products by words and filters. Prices and stock are those of now; what does not hold any more is left out."""
        now = self.clock()
        with self.database.reading() as connection:
            index = self.search_index.current(connection)
            results = index.search(query, now=now)
            by_id = store.find(connection, results.product_ids)
        asked = relaxed_query(query, results.relaxed)
        scored = zip(results.product_ids, results.scores, strict=True)
        kept = {one: score for one, score in scored if one in by_id and index.holds(asked, by_id[one], now=now)}
        present = replace(results, product_ids=tuple(kept), scores=tuple(kept.values()))
        products = tuple(by_id[one] for one in kept)
        fitting = {
            product.product_id: index.fitting(asked, product, now=now) for product in products if product.variants
        }
        return Found(products=products, results=present, fitting=fitting)

    def refresh_search(self) -> None:
        """Take every change of the products into the index, also very many of them."""
        with self.database.reading() as connection:
            self.search_index.refresh(connection)
