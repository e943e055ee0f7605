"""What a policy sees: numbers of the snapshot, each about 0 to 1, and nothing of who refused."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from zhanggui.decisioning.context import COLUMNS, NAMES, contexts


def _seen(table: pa.Table, *, personalised: bool = True) -> dict[str, float]:
    found = contexts(table, np.array([personalised]))
    assert found.shape == (1, len(NAMES))
    return dict(zip(NAMES, found[0].tolist(), strict=True))


def test_counts_are_seen_as_logarithms_and_money_on_its_own_scale(profiles: Callable[..., pa.Table]) -> None:
    features = {
        "orders": 3,
        "revenue_minor": 80_000,
        "average_order_minor": 26_666.5,
        "recency_days": 12.5,
        "inter_purchase_days": 30.0,
        "views": 7,
        "messages_received": 4,
        "messages_opened": 3,
        "discount_share": 0.25,
        "lifecycle_stage": "loyal",
    }
    seen = _seen(profiles({"a": features}))
    assert seen["one"] == 1.0
    for name, scale in (("orders", 6), ("recency_days", 6), ("inter_purchase_days", 6), ("views", 6), ("messages_received", 6), ("revenue_minor", 12), ("average_order_minor", 12)):  # fmt: skip
        assert seen[f"log_{name}"] == pytest.approx(np.log1p(features[name]) / scale), name
    assert seen["discount_share"] == 0.25
    assert seen["open_rate"] == 0.75
    assert [name for name in NAMES if name.startswith("is_") and seen[name] == 1.0] == ["is_loyal"]


def test_what_is_not_known_is_zero_and_a_loss_is_no_less_than_nothing(profiles: Callable[..., pa.Table]) -> None:
    seen = _seen(profiles({"a": {"revenue_minor": -500}}))
    assert (seen["log_recency_days"], seen["log_revenue_minor"], seen["open_rate"]) == (0.0, 0.0, 0.0)


def test_of_who_refused_personalisation_nothing_is_seen_but_that_she_is_there(
    profiles: Callable[..., pa.Table],
) -> None:
    table = profiles({"a": {"orders": 3}, "b": {"orders": 3}})
    found = contexts(table, np.array([True, False]))
    assert found[1].tolist() == [1.0] + [0.0] * (len(NAMES) - 1)
    assert found[0, NAMES.index("log_orders")] > 0


def test_the_columns_that_are_read_are_those_that_are_named(profiles: Callable[..., pa.Table]) -> None:
    whole = profiles({"a": {"orders": 3, "messages_received": 2, "messages_opened": 1}})
    assert (
        contexts(whole.select(list(COLUMNS)), np.array([True])).tolist() == contexts(whole, np.array([True])).tolist()
    )
