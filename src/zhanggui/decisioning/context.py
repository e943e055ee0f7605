"""What a policy sees of a customer: a fixed vector of numbers made from a snapshot. Chooses nothing."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_STAGES = ("prospect", "new", "active", "loyal", "at_risk", "lapsed")
_LOGS = (
    "orders",
    "revenue_minor",
    "average_order_minor",
    "recency_days",
    "inter_purchase_days",
    "views",
    "messages_received",
)
_SCALES = {"revenue_minor": 12.0, "average_order_minor": 12.0}
NAMES: tuple[str, ...] = (
    "one",
    *(f"log_{name}" for name in _LOGS),
    "discount_share",
    "open_rate",
    *(f"is_{stage}" for stage in _STAGES),
)
COLUMNS = ("customer_id", *_LOGS, "discount_share", "messages_opened", "lifecycle_stage")
"""The snapshot's columns that `contexts` reads."""


def contexts(profiles: pa.Table, personalised: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, d) features in the order of NAMES, each about 0 to 1; only the constant where not `personalised` (n,)."""
    columns = [np.ones(profiles.num_rows)]
    for name in _LOGS:
        values = np.maximum(_numbers(profiles, name), 0.0)
        columns.append(np.log1p(values) / _SCALES.get(name, 6.0))
    columns.append(_numbers(profiles, "discount_share"))
    columns.append(_numbers(profiles, "messages_opened") / np.maximum(_numbers(profiles, "messages_received"), 1.0))
    stages = profiles["lifecycle_stage"]
    columns.extend(np.asarray(pc.equal(stages, stage)).astype(np.float64) for stage in _STAGES)
    found = np.column_stack(columns)
    found[~personalised, 1:] = 0.0
    return found


def _numbers(profiles: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(profiles[name].cast(pa.float64()), 0.0), dtype=np.float64)
