"""The index follows the catalogue, on both databases and beside other processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import sqlalchemy as sa

from search_shop import NOW, PRODUCTS, Shop, product
from zhanggui.catalog import store
from zhanggui.catalog.ontology import Aspect, Ontology, Value
from zhanggui.catalog.ontology import store as ontology_store
from zhanggui.catalog.search import Query, Relaxation, SearchShelf
from zhanggui.storage import ArtifactStore, Database


def test_changes_of_the_catalogue_are_found_at_once(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    assert shop.search("oolong").total == 1
    shop.put(
        product("new", "Oolong gift box", "乌龙茶礼盒", "Tea", 66), product("oolong", "Black tea", "红茶", "Tea", 1)
    )
    assert shop.search("oolong").product_ids[0] == "new"
    assert shop.search("oolong").total == 1
    with database.transaction() as connection:
        store.delete(connection, ["new"], now=NOW)
    assert "new" not in shop.search("oolong").product_ids


def test_a_product_that_is_put_again_as_it_was_changes_no_index(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    shop.search()
    before = [one.version for one in shop.shelf.artifacts.versions("search")]
    shop.put(*PRODUCTS)
    shop.search()
    assert [one.version for one in shop.shelf.artifacts.versions("search")] == before


def test_a_missing_or_damaged_index_is_built_anew(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    expected = shop.search("shirt").product_ids
    (made,) = shop.shelf.artifacts.versions("search")
    for damage in ("empty", "manifest", "removed"):
        files = [path for path in made.path.rglob("*") if path.is_file() and path.name != "manifest.json"]
        if damage == "empty":
            for path in files:
                path.write_bytes(b"")
        elif damage == "manifest":
            (made.path / "manifest.json").write_text("{", encoding="utf-8")
        else:
            shop.shelf.artifacts.remove("search", made.version)
        anew = SearchShelf(artifacts=shop.shelf.artifacts, clock=lambda: NOW)
        with database.reading() as connection:
            assert anew.current(connection).search(Query(text="shirt"), now=NOW).product_ids == expected


def test_very_many_changes_are_left_to_the_worker(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    shop.shelf.at_once = 2
    shop.search("oolong")
    shop.put(*(product(f"new-{number}", "Oolong tea", "乌龙茶", "Tea", 66) for number in range(3)))
    assert shop.search("oolong").total == 1
    worker = SearchShelf(artifacts=shop.shelf.artifacts, clock=lambda: NOW)
    with database.reading() as connection:
        worker.refresh(connection)
    assert shop.search("oolong").total == 4


def test_an_edited_ontology_is_searched_by(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    assert shop.search("glaucous shirt").relaxed == (Relaxation(constraint="words", value="glaucous"),)
    blue = Aspect(name="colour", values=(Value(value="blue", labels={"en": ("navy", "glaucous")}),))
    with database.transaction() as connection:
        ontology_store.save(connection, Ontology(aspects=(blue,)), now=NOW)
    results = shop.search("glaucous shirt")
    assert (results.product_ids[0], results.relaxed) == ("shirt-blue", ())


def test_two_processes_share_one_index(tmp_path: Path, database: Database) -> None:
    """Each has a shelf of its own beside the same artifacts; both make the same version, and one of them keeps it."""
    one = Shop(tmp_path, database)
    other = SearchShelf(artifacts=ArtifactStore(tmp_path / "artifacts"), clock=lambda: NOW)

    def asked(shelf: SearchShelf, connection: sa.Connection) -> tuple[str, ...]:
        return shelf.current(connection).search(Query(text="oolong"), now=NOW).product_ids

    with database.reading() as connection:
        assert asked(one.shelf, connection) == asked(other, connection)
    for number in range(4):
        one.put(product(f"new-{number}", "Oolong tea", "乌龙茶", "Tea", 66 + number))
        with database.reading() as connection:
            first, second = (one.shelf, other) if number % 2 else (other, one.shelf)
            assert asked(first, connection) == asked(second, connection)
            assert f"new-{number}" in asked(first, connection)
    assert len(one.shelf.artifacts.versions("search")) <= 2


def test_who_comes_at_the_same_moment_meets_at_one_version(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    start = Barrier(4)

    def ask(_number: int) -> tuple[str, ...]:
        shelf = SearchShelf(artifacts=ArtifactStore(tmp_path / "artifacts"), clock=lambda: NOW)
        start.wait(timeout=60)
        with database.reading() as connection:
            return shelf.current(connection).search(Query(text="shirt"), now=NOW).product_ids

    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(ask, range(4)))
    assert answers == {shop.search("shirt").product_ids}
    assert len(shop.shelf.artifacts.versions("search")) == 1
