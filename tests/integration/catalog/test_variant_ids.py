from dataclasses import replace
from datetime import UTC, datetime

from zhanggui.catalog import Product, Variant, store
from zhanggui.catalog.product import with_variants
from zhanggui.money import Money
from zhanggui.storage import Database

NOW = datetime(2026, 11, 30, tzinfo=UTC)
PRICE = Money(currency="CNY", minor=10_000)


def product(product_id: str, *variant_ids: str) -> Product:
    plain = Product(product_id=product_id, titles={"en": product_id}, price=PRICE)
    return with_variants(plain, [Variant(variant_id=one, options={"size": one}, price=PRICE) for one in variant_ids])


def test_a_product_is_found_by_its_id_and_by_its_variants(database: Database) -> None:
    shirt, cup = product("shirt", "shirt-s", "shirt-m"), product("cup")
    with database.transaction() as connection:
        store.upsert(connection, [shirt, cup], now=NOW)
        assert store.find(connection, ["shirt-m", "shirt", "cup", "hat"]) == {
            "shirt-m": shirt,
            "shirt": shirt,
            "cup": cup,
        }
        assert store.find_variants(connection, ["shirt-s", "shirt", "hat"]) == {"shirt-s": shirt}


def test_products_that_became_variants_are_found_as_the_product_they_belong_to(database: Database) -> None:
    shirt = product("shirt", "shirt-s", "shirt-m")
    with database.transaction() as connection:
        store.upsert(connection, [product("shirt-s"), product("shirt-m"), product("cup")], now=NOW)
        store.upsert(connection, [shirt], now=NOW)
        assert store.ids(connection) == {"shirt", "cup"}
        assert store.find(connection, ["shirt-s"]) == {"shirt-s": shirt}


def test_a_variant_that_is_no_longer_offered_names_no_product(database: Database) -> None:
    with database.transaction() as connection:
        store.upsert(connection, [product("shirt", "s", "m"), product("vest", "l")], now=NOW)
        store.upsert(connection, [product("shirt", "m"), product("vest", "s")], now=NOW)
        assert {one: found.product_id for one, found in store.find(connection, ["s", "m", "l"]).items()} == {
            "s": "vest",
            "m": "shirt",
        }
        store.delete(connection, ["vest"], now=NOW)
        assert store.find(connection, ["s"]) == {}


def test_a_product_with_one_variant_of_its_own_id_stays(database: Database) -> None:
    cup = product("cup", "cup")
    with database.transaction() as connection:
        store.upsert(connection, [cup], now=NOW)
        store.upsert(connection, [replace(cup, brand="Blue Kiln")], now=NOW)
        assert store.find(connection, ["cup"])["cup"].brand == "Blue Kiln"
