from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from zhanggui.catalog import Product, store
from zhanggui.catalog.search import Embedder, Query, Results, SearchShelf
from zhanggui.catalog.search.vectors import Vectors, fused
from zhanggui.money import Money
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TOPICS = (("tea", "brew", "leaves"), ("shoe", "walk", "feet"), ("lamp", "dark", "read"))


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """What a text is about, of three things."""
    counts = [[sum(word in text.lower() for word in topic) + 1e-3 for topic in TOPICS] for text in texts]
    vectors = np.array(counts, dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def product(product_id: str, title: str, price: int = 10) -> Product:
    return Product(product_id=product_id, titles={"en": title}, price=Money(currency="CNY", minor=price * 100))


PRODUCTS = [product("pot", "Tea pot", 30), product("cup", "Tea cup"), product("boot", "Shoe"), product("lamp", "Lamp")]


class Shop:
    def __init__(self, folder: Path, migrated_file: Path) -> None:
        (folder / "shop.db").write_bytes(migrated_file.read_bytes())
        self.database = Database(f"sqlite:///{folder / 'shop.db'}")
        embedder = Embedder(name="topics", queries=embed, products=embed)
        self.shelf = SearchShelf(artifacts=ArtifactStore(folder / "artifacts"), clock=lambda: NOW, embedder=embedder)
        self.put(*PRODUCTS)

    def put(self, *products: Product) -> None:
        with self.database.transaction() as connection:
            store.upsert(connection, products, now=NOW)

    def search(self, query: Query) -> Results:
        with self.database.reading() as connection:
            return self.shelf.current(connection).search(query, now=NOW)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Shop:
    return Shop(tmp_path_factory.mktemp("vectors"), migrated_file)


def test_what_no_word_matches_is_found_by_its_likeness_and_the_words_are_said(shop: Shop) -> None:
    results = shop.search(Query(text="brew leaves"))
    assert set(results.product_ids[:2]) == {"pot", "cup"}
    assert results.relaxed[0].value == "brew leaves"


def test_likeness_comes_after_what_has_every_word(shop: Shop) -> None:
    assert shop.search(Query(text="lamp", limit=2)).product_ids[0] == "lamp"
    assert shop.search(Query(text="tea cup", limit=1)).product_ids == ("cup",)


def test_likeness_keeps_the_filters(shop: Shop) -> None:
    cheap = Query(text="brew leaves", price_max=Money(currency="CNY", minor=2_000))
    assert shop.search(cheap).product_ids[0] == "cup"
    assert "pot" not in shop.search(cheap).product_ids


def test_vectors_follow_the_products(tmp_path: Path, migrated_file: Path) -> None:
    shop = Shop(tmp_path, migrated_file)
    shop.search(Query(text="brew"))
    shop.put(product("pot", "Reading lamp"), product("tin", "Tea tin"))
    assert set(shop.search(Query(text="brew", limit=2)).product_ids) == {"cup", "tin"}


def test_two_rankings_become_one_by_their_ranks() -> None:
    assert fused(["a", "b"], ["b", "c"]) == ["b", "a", "c"]
    assert fused([], ["c"]) == ["c"]


def test_nearest_is_ordered_and_takes_what_there_is() -> None:
    vectors = Vectors(ids=("x", "y", "z"), matrix=np.array([[0, 1], [1, 0], [0.6, 0.8]], dtype=np.float32))
    assert vectors.nearest(np.array([1, 0], dtype=np.float32), 2) == ["y", "z"]
    assert len(vectors.nearest(np.array([1, 0], dtype=np.float32), 9)) == 3
    empty = Vectors(ids=(), matrix=np.empty((0, 2), dtype=np.float32))
    assert empty.nearest(np.array([1, 0], dtype=np.float32), 3) == []
