"""The log of rewards: one file a run, replaced whole."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhanggui.attribution.reward import SCHEMA, RewardLog
from zhanggui.errors import NotFoundError

ROW = {
    "decision_id": "d",
    "customer_id": "ann",
    "arm": "treated",
    "intended_id": "a",
    "opened": True,
    "clicked": False,
    "orders": 2,
    "revenue_minor": 500,
    "reward": 1.0,
    "mature": True,
}


def _rewards(*orders: int) -> pa.Table:
    return pa.Table.from_pylist([ROW | {"orders": count} for count in orders], SCHEMA)


def test_what_was_written_is_read_back_and_replaced_whole(tmp_path: Path) -> None:
    log = RewardLog(tmp_path / "new" / "rewards")
    path = log.write("run-1", _rewards(1, 2))
    assert path == tmp_path / "new" / "rewards" / "run-1.parquet"
    assert log.read("run-1").equals(_rewards(1, 2))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    log.write("run-1", _rewards(3))
    assert log.read("run-1").equals(_rewards(3))
    assert [file.name for file in path.parent.iterdir()] == ["run-1.parquet"]


def test_columns_of_another_type_are_brought_to_the_schema(tmp_path: Path) -> None:
    log = RewardLog(tmp_path)
    narrow = _rewards(1).set_column(6, "orders", pa.array([1], pa.int32()))
    log.write("run-1", narrow)
    assert log.read("run-1").schema == SCHEMA


def test_a_run_without_rewards_says_what_joins_them(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        RewardLog(tmp_path).read("run-1")
    assert str(caught.value) == "run 'run-1' has no rewards yet; `zhanggui campaign learn run-1` joins them"
