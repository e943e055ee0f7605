"""The log of decisions: Parquet by day, one file a batch of a run, with the candidates in the file's metadata.

A file's name follows from the run and the batch: a repeated step writes the same file again. Decides nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhanggui.decisioning.action import Action
from zhanggui.decisioning.decide import ARMS, Decisions, Versions, decision_id
from zhanggui.errors import NotFoundError
from zhanggui.storage.artifacts import sync

SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string()),
        pa.field("run_id", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("decided_at", pa.timestamp("us", tz="UTC")),
        pa.field("arm", pa.dictionary(pa.int8(), pa.string())),
        pa.field("action_id", pa.string()),  # what is done ("nothing" for holdouts)
        pa.field("intended_id", pa.string()),  # what the policy chose
        pa.field("offer_id", pa.string()),  # of the intended action
        pa.field("category", pa.string()),
        pa.field("propensity", pa.float64()),
        pa.field("policy", pa.string()),
        pa.field("policy_version", pa.string()),
        pa.field("snapshot_version", pa.string()),
        pa.field("candidate_set_id", pa.string()),
        pa.field("personalised", pa.bool_()),
        pa.field("context", pa.list_(pa.float64())),
        pa.field("forbidding", pa.list_(pa.uint32())),  # one bit a rule, one number an action
    ]
)
_META = b"zhanggui"


class DecisionLog:
    """Decisions below one folder, as `root/DAY/RUN-BATCH.parquet`, and RUN-amended-ID beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, decisions: Decisions, *, batch: int = 0) -> Path:
        """Keep a batch; returns its file."""
        return self._write(decisions, f"{batch:05d}")

    def amend(self, decisions: Decisions) -> Path:
        """Keep decisions that stand in the place of earlier ones of their run, whose files stay as they are."""
        first = decision_id(decisions.versions.run_id, decisions.customer_ids[0])
        return self._write(decisions, f"amended-{first[:16]}")

    def read(self, run_id: str) -> list[Decisions]:
        """The batches of a run. Raises NotFoundError when it has decided nothing."""
        return [from_arrow(one) for one in self._tables(run_id)]

    def table(self, run_id: str) -> pa.Table:
        """The decisions of a run in SCHEMA. Raises NotFoundError when it has decided nothing."""
        return pa.concat_tables([one.replace_schema_metadata(None) for one in self._tables(run_id)])

    def _tables(self, run_id: str) -> list[pa.Table]:
        logged = [pq.read_table(file) for file in sorted(self.root.glob(f"*/{run_id}-?????.parquet"))]
        if not logged:
            raise NotFoundError(f"run {run_id!r} has logged no decision in {self.root}")
        amended = [pq.read_table(file) for file in sorted(self.root.glob(f"*/{run_id}-amended-*.parquet"))]
        if not amended:
            return logged
        new = pa.concat_arrays([chunk for one in amended for chunk in one["customer_id"].chunks])
        kept = [one.filter(pc.invert(pc.is_in(one["customer_id"], value_set=new))) for one in logged]
        return [one for one in (*kept, *amended) if one.num_rows]

    def _write(self, decisions: Decisions, part: str) -> Path:
        day = self.root / f"{decisions.decided_at:%Y-%m-%d}"
        day.mkdir(parents=True, exist_ok=True)
        path = day / f"{decisions.versions.run_id}-{part}.parquet"
        draft = path.with_suffix(".partial")
        pq.write_table(to_arrow(decisions), draft, compression="zstd")
        sync(draft)
        draft.replace(path)
        sync(day)
        return path


def to_arrow(decisions: Decisions) -> pa.Table:
    """Decisions as a table of SCHEMA, with what rows share in its metadata."""
    n, versions = len(decisions), decisions.versions
    none = len(decisions.actions)
    index = np.where(decisions.intended >= 0, decisions.intended, none)
    ids = [*(one.action_id for one in decisions.actions), "nothing"]
    offers = [*(one.offer_id for one in decisions.actions), None]
    categories = [*(one.category for one in decisions.actions), None]
    done = np.where(decisions.arms == 0, index, none)
    same: dict[str, Any] = {
        "run_id": versions.run_id,
        "policy": versions.policy,
        "policy_version": versions.policy_version,
        "snapshot_version": versions.snapshot_version,
        "candidate_set_id": decisions.candidate_set_id,
    }
    columns = {
        "decision_id": pa.array([decision_id(versions.run_id, one) for one in decisions.customer_ids]),
        "customer_id": pa.array(decisions.customer_ids, pa.string()),
        "decided_at": pa.array([decisions.decided_at] * n, pa.timestamp("us", tz="UTC")),
        "arm": pa.DictionaryArray.from_arrays(pa.array(decisions.arms, pa.int8()), list(ARMS)),
        "action_id": pa.array(ids, pa.string()).take(pa.array(done)),
        "intended_id": pa.array(ids, pa.string()).take(pa.array(index)),
        "offer_id": pa.array(offers, pa.string()).take(pa.array(index)),
        "category": pa.array(categories, pa.string()).take(pa.array(index)),
        "propensity": pa.array(decisions.propensities),
        "personalised": pa.array(decisions.personalised),
        "context": _lists(decisions.contexts, pa.float64()),
        "forbidding": _lists(decisions.forbidding, pa.uint32()),
        **{name: pa.repeat(pa.scalar(value, pa.string()), n) for name, value in same.items()},
    }
    meta = json.dumps(
        {
            "versions": asdict(versions),
            "decided_at": decisions.decided_at.isoformat(),
            "rules": decisions.rules,
            "actions": [
                asdict(one) | {"send_at": one.send_at and one.send_at.isoformat()} for one in decisions.actions
            ],
        }
    )
    return pa.table([columns[name] for name in SCHEMA.names], SCHEMA.with_metadata({_META: meta.encode()}))


def from_arrow(table: pa.Table) -> Decisions:
    """The decisions that `to_arrow` made the table from."""
    meta = json.loads(table.schema.metadata[_META])
    actions = tuple(
        Action(**one | {"send_at": one["send_at"] and datetime.fromisoformat(one["send_at"])})
        for one in meta["actions"]
    )
    place = {one.action_id: column for column, one in enumerate(actions)}
    return Decisions(
        versions=Versions(**meta["versions"]),
        decided_at=datetime.fromisoformat(meta["decided_at"]),
        actions=actions,
        customer_ids=table["customer_id"].to_pylist(),
        arms=np.array([ARMS.index(one) for one in table["arm"].to_pylist()], dtype=np.int8),
        intended=np.array([place.get(one, -1) for one in table["intended_id"].to_pylist()], dtype=np.int64),
        propensities=table["propensity"].to_numpy(),
        rules=tuple(meta["rules"]),
        forbidding=_matrix(table["forbidding"], len(actions), np.uint32),
        contexts=_matrix(table["context"], -1, np.float64),
        personalised=np.array(table["personalised"].to_pylist(), dtype=np.bool_),
    )


def _lists(matrix: Any, kind: pa.DataType) -> pa.ListArray:
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(matrix).ravel(), kind))


def _matrix(column: pa.ChunkedArray, width: int, kind: Any) -> Any:
    flat: Sequence[Any] = column.combine_chunks().flatten().to_numpy()
    return np.asarray(flat, dtype=kind).reshape(len(column), width if len(column) else 0)
