import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("sklearn", reason="the extra `train` is not installed")

from zhanggui.cli.main import app
from zhanggui.corpus import parts
from zhanggui.engine import Engine

FIGURES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PRODUCTS = [
    {
        "product_id": f"p{number}",
        "title_en": f"Tea tin {word}",
        "title_zh": f"{number}号茶罐",
        "description_en": f"Soft green leaves from garden {word}, picked in spring and packed well.",
        "description_zh": f"{number}号茶园，春天采摘，包装精致，味道清香。",
        "price": "9.90",
        "attributes": {"weight": f"{number * 10} g"},
    }
    for number, word in enumerate(FIGURES, 1)
]


def test_a_shops_products_become_an_annotated_corpus(tmp_path: Path) -> None:
    Engine.create(tmp_path / "shop")
    with Engine.open(tmp_path / "shop") as engine:
        loaded = engine.catalog.put(PRODUCTS)
    assert (loaded.upserted, loaded.errors) == (12, ())
    out = tmp_path / "corpus"
    ran = CliRunner().invoke(
        app, ["corpus", "build", "--catalog", "-C", str(tmp_path / "shop"), "--out", str(out), "--licence", "ours"]
    )
    assert ran.exit_code == 0, ran.output
    assert "texts in" in ran.output
    kept = [one for mine in parts.read(out).values() for one in mine]
    assert {one.group for one in kept} == {f"p{number}" for number in range(1, 13)}
    assert {one.language for one in kept} == {"en", "zh"}
    ran = CliRunner().invoke(app, ["corpus", "annotate", str(out), "--topics", "2"])
    assert ran.exit_code == 0, ran.output
    assert (out / "samples.html").exists()
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["licence"] == "ours"
    assert {"keyword", "sentiment", "selling_point"} <= card["annotations"].keys()


def test_a_feed_becomes_a_corpus_and_its_bad_rows_are_kept(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    rows = [*PRODUCTS, {"product_id": "bad", "title_en": "No price"}]
    feed.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    out = tmp_path / "corpus"
    ran = CliRunner().invoke(app, ["corpus", "build", str(feed), "--catalog", "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    found = json.loads((out / "rejects.jsonl").read_text(encoding="utf-8"))
    assert (found["line"], found["field"]) == (13, "price")
    assert json.loads((out / "card.json").read_text(encoding="utf-8"))["files"][0]["name"] == "feed.jsonl"


def test_nothing_to_build_from_is_said(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["corpus", "build", "--out", str(tmp_path / "corpus")])
    assert ran.exit_code == 2
    assert "--catalog" in ran.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full here")
def test_a_full_disk_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(f"Tea tin {one} is good" for one in FIGURES), encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "card.json").symlink_to("/dev/full")
    command = [sys.executable, "-m", "zhanggui", "corpus", "build", "texts.txt", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot be used: No space left on device; make room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
