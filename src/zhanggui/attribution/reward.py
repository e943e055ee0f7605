"""What a decision earned: the reward's columns, and their log in Parquet, joined on the decision id. Judges nothing."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zhanggui.errors import NotFoundError
from zhanggui.storage.artifacts import sync

SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("arm", pa.string()),
        pa.field("intended_id", pa.string()),
        pa.field("opened", pa.bool_()),
        pa.field("clicked", pa.bool_()),
        pa.field("orders", pa.int64()),
        pa.field("revenue_minor", pa.int64()),
        pa.field("reward", pa.float64()),
        pa.field("mature", pa.bool_()),  # the window had closed
    ]
)


class RewardLog:
    """Rewards below one folder, one file a run, replaced whole when it is joined again."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, run_id: str, rewards: pa.Table) -> Path:
        """Keep the rewards of a run."""
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / f"{run_id}.parquet"
        draft = path.with_suffix(".partial")
        pq.write_table(rewards.cast(SCHEMA), draft, compression="zstd")
        sync(draft)
        draft.replace(path)
        sync(self.root)
        return path

    def read(self, run_id: str) -> pa.Table:
        """The rewards of a run. Raises NotFoundError before they have been joined."""
        path = self.root / f"{run_id}.parquet"
        if not path.exists():
            raise NotFoundError(f"run {run_id!r} has no rewards yet; `zhanggui campaign learn {run_id}` joins them")
        return pq.read_table(path)
