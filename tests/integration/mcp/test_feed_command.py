import json
from pathlib import Path

from typer.testing import CliRunner

from zhanggui.cli.main import app


def test_the_command_writes_every_product_and_says_how_many(shop: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["catalog", "feed", str(tmp_path), "-C", str(shop), "--country", "US", "--texts", "zh"]
    )
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products = {product["id"]: product for product in map(json.loads, lines)}
    assert f"{len(products)} products" in done.output
    assert len(products) == 26
    assert products["shirt"]["title"] == "亚麻衬衫"
    assert {variant["id"] for variant in products["shirt"]["variants"]} == {
        "shirt-blue-s",
        "shirt-blue-m",
        "shirt-red-s",
    }
    assert json.loads((tmp_path / "metadata.json").read_text())["target_country"] == "US"


def test_a_market_that_is_no_country_code_is_refused(shop: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["catalog", "feed", str(tmp_path), "-C", str(shop), "--country", "usa"])
    assert done.exit_code == 2
    assert not (tmp_path / "products.jsonl").exists()
