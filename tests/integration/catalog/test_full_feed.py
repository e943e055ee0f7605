from collections.abc import Iterator
from pathlib import Path

import pytest

from zhanggui.catalog import store
from zhanggui.engine import Engine
from zhanggui.errors import ProductError

HEAD = "product_id,title,price\n"


class Shop:
    def __init__(self, folder: Path) -> None:
        Engine.create(folder)
        self.engine, self.feed = Engine.open(folder), folder / "feed.csv"
        self.load("a,Tea,1\nb,Cup,2\nc,Pot,3\n")

    def load(self, rows: str, *, full: bool = False) -> tuple[int, int, int]:
        self.feed.write_text(HEAD + rows, encoding="utf-8")
        done = self.engine.catalog.load(self.feed, full=full)
        return done.upserted, done.deleted, done.kept

    def there(self) -> str:
        with self.engine.database.reading() as connection:
            return "".join(sorted(store.ids(connection)))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    yield shop
    shop.engine.close()


def test_a_feed_takes_out_what_it_does_not_name_only_when_it_is_said_to_be_full(shop: Shop) -> None:
    assert (shop.load("a,Tea,1\n"), shop.there()) == ((1, 0, 0), "abc")
    assert (shop.load("a,Tea,1\n", full=True), shop.there()) == ((1, 2, 0), "a")


def test_a_product_whose_row_was_refused_is_named_all_the_same(shop: Shop) -> None:
    assert (shop.load("a,Tea,1\nb,Cup,free\n", full=True), shop.there()) == ((1, 1, 0), "ab")


def test_where_a_refused_row_has_no_id_nothing_is_deleted(shop: Shop) -> None:
    assert (shop.load("a,Tea,1\nb,Cu\n", full=True), shop.there()) == ((1, 0, 2), "abc")


def test_a_full_feed_without_products_changes_nothing(shop: Shop) -> None:
    with pytest.raises(ProductError, match="nothing was changed"):
        shop.load("", full=True)
    assert shop.there() == "abc"
