import json
from datetime import UTC, datetime
from pathlib import Path

from zhanggui.engine import Engine
from zhanggui.errors import ProductError
from zhanggui.storage import RejectFile
from zhanggui.testing import FixedClock


def test_reject_files_of_one_name_are_kept_side_by_side(tmp_path: Path) -> None:
    paths = []
    for problem in ("first", "second", "third"):
        with RejectFile(path=tmp_path / "feed.csv-20260301T080000.jsonl", keep=True) as rejects:
            rejects.add(ProductError(problem), "row")
        paths.append(rejects.path)
    assert [json.loads(path.read_text())["problem"] for path in paths] == ["first", "second", "third"]
    assert paths[1].name == "feed.csv-20260301T080000-2.jsonl"


def test_two_loads_in_one_second_keep_their_rejects_apart(tmp_path: Path) -> None:
    Engine.create(tmp_path / "shop")
    bad = tmp_path / "feed.csv"
    with Engine.open(tmp_path / "shop", clock=FixedClock(datetime(2026, 3, 1, tzinfo=UTC))) as engine:
        kept = []
        for product_id in ("tea-1", "tea-2"):
            bad.write_text(f"product_id,title,price\n{product_id},Tea,-1\n")
            kept.append(engine.catalog.load(bad).rejects)
    assert ["tea-1" in path.read_text() for path in kept if path] == [True, False]
