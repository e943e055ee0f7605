from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zhanggui.catalog.ontology import read_ontology
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.errors import OntologyError

CUP = {"product_id": "cup", "title": "Cup", "price": "10 CNY", "category": "Cups", "attributes": {"color": "sky blue"}}
POT = {"product_id": "pot", "title": "Pot", "price": "90 CNY", "category": "Pots", "attributes": {"color": "fog"}}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Engine]:
    Engine.create(tmp_path / "shop")
    with Engine.open(tmp_path / "shop") as engine:
        engine.catalog.put([CUP])
        yield engine


def colours(engine: Engine, *texts: str) -> list[str | None]:
    aspect = engine.catalog.ontology().aspect("colour")
    assert aspect is not None
    return [aspect.value(text) for text in texts]


def edit(engine: Engine, path: Path, old: str, new: str) -> None:
    engine.catalog.write_ontology(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    engine.catalog.edit_ontology(path)


def test_an_edited_file_wins_over_what_is_learned_from_later_products(shop: Engine, tmp_path: Path) -> None:
    assert colours(shop, "sky blue", "fog") == ["light blue", None]
    edit(shop, tmp_path / "a.toml", '"grey", "gray"', '"grey", "gray", "fog"')
    assert colours(shop, "fog") == ["grey"]
    shop.catalog.put([POT])
    assert colours(shop, "sky blue", "fog") == ["light blue", "grey"]
    assert [category.path for category in shop.catalog.ontology().categories] == ["Cups", "Pots"]


def test_prices_that_nobody_edited_follow_the_products(shop: Engine, tmp_path: Path) -> None:
    edit(shop, tmp_path / "a.toml", '"grey", "gray"', '"grey", "gray", "fog"')
    shop.catalog.put([POT])
    assert shop.catalog.ontology().price_ranges == {"CNY": (1_000, 9_000)}
    edit(shop, tmp_path / "b.toml", '["10.00", "90.00"]', '["5.00", "100.00"]')
    shop.catalog.put([CUP | {"price": "1 CNY"}])
    assert shop.catalog.ontology().price_ranges == {"CNY": (500, 10_000)}


def test_a_product_that_changed_or_went_is_noticed(shop: Engine) -> None:
    assert colours(shop, "fog") == [None]
    shop.catalog.put([CUP | {"attributes": {"color": "fog"}}])
    assert colours(shop, "fog") == ["fog"]
    shop.catalog.put([{"product_id": "cup", "deleted": True}])
    assert shop.catalog.ontology().aspects == ()


def test_a_wrong_file_changes_nothing_and_a_file_that_was_edited_is_not_overwritten(
    shop: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    edit(shop, path, '"grey", "gray"', '"grey", "gray", "fog"')
    path.write_text("[[aspects]]\nnames = 3\n", encoding="utf-8")
    with pytest.raises(OntologyError, match=r"a\.toml: aspects\[1\]\.names: there is no such name"):
        shop.catalog.edit_ontology(path)
    assert colours(shop, "fog") == ["grey"]
    with pytest.raises(OntologyError, match="take it with --read"):
        shop.catalog.write_ontology(path)
    assert path.read_text(encoding="utf-8") == "[[aspects]]\nnames = 3\n"


def test_the_command_writes_the_file_and_takes_it_back(shop: Engine, tmp_path: Path) -> None:
    path, here = tmp_path / "a.toml", ["-C", str(shop.folder)]

    def ran(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["catalog", "ontology", *arguments, *here])
        return done.exit_code, done.output.replace("\n", " ")

    code, told = ran(str(path))
    assert (code, told.startswith("1 categories, 1 aspects with ")) == (0, True)
    assert read_ontology(path) == shop.catalog.ontology()
    path.write_text(path.read_text(encoding="utf-8").replace('"sky blue"', '"sky blue", "fog"'), encoding="utf-8")
    code, told = ran("--read", str(path))
    assert (code, "holds from now on: 1 categories" in told) == (0, True)
    assert colours(shop, "fog") == ["light blue"]
    assert ran()[1] == path.read_text(encoding="utf-8").replace("\n", " "), "without a file it goes to the screen"
    assert ran("--language", "zh", "--read", str(path))[1].startswith("从现在起以")
