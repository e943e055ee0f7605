"""Customers, offers and reach of one channel, for tests that decide. Knows no shop."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from zhanggui.decisioning.eligibility import Reach
from zhanggui.profiles import SNAPSHOT_SCHEMA

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture
def profiles() -> Callable[..., pa.Table]:
    """A snapshot of customers given as name -> features; what is not given is zero, empty or null."""

    def made(customers: Mapping[str, Mapping[str, Any]]) -> pa.Table:
        rows = [
            {field.name: None if field.nullable else _zero(field) for field in SNAPSHOT_SCHEMA}
            | {"customer_id": name, "as_of": NOW, "traits": "{}", "lifecycle_stage": "active", **features}
            for name, features in customers.items()
        ]
        return pa.Table.from_pylist(rows, SNAPSHOT_SCHEMA)

    return made


def _zero(field: pa.Field) -> Any:
    return [] if pa.types.is_list(field.type) else 0 if pa.types.is_integer(field.type) else 0.0


@pytest.fixture
def reach() -> Callable[..., Reach]:
    """How n customers can be reached: everyone at an address, consenting, neither suppressed nor capped, unless told."""

    def made(n: int, *, addresses: Sequence[str | None] | None = None, **masks: Any) -> Reach:
        capped = {code: np.array(mask, dtype=np.bool_) for code, mask in masks.pop("capped", {}).items()}
        whole = {"consented": [True] * n, "suppressed": [False] * n, "same_address": [False] * n} | masks
        known = [f"customer{row}@example.com" for row in range(n)] if addresses is None else addresses
        return Reach(
            addresses=known, capped=capped, **{name: np.array(mask, dtype=np.bool_) for name, mask in whole.items()}
        )

    return made
