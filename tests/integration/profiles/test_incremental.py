"""Whatever happens, is linked, merged and parted in between: profiles built step by step are those of a whole build."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.profiles import identity
from zhanggui.profiles.build import build
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import Snapshot
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CUSTOMERS, DEVICES = st.sampled_from(["u1", "u2", "u3"]), st.sampled_from(["d1", "d2"])
MAYBE_CUSTOMER, MAYBE_DEVICE = st.none() | CUSTOMERS, st.none() | DEVICES
ORDER = st.fixed_dictionaries(
    {"revenue": st.sampled_from([None, 5, 30]), "currency": st.sampled_from(["CNY", "CNY", "USD"])},
    optional={"order_id": st.sampled_from(["o1", "o2"])},
)
SAID = st.one_of(
    st.tuples(st.just("track"), CUSTOMERS, MAYBE_DEVICE, st.just("Product Viewed"), st.just({"product_id": "p"})),
    st.tuples(st.just("track"), MAYBE_CUSTOMER, DEVICES, st.just("Order Completed"), ORDER),
    st.tuples(
        st.just("track"),
        MAYBE_CUSTOMER,
        DEVICES,
        st.sampled_from(["Order Cancelled", "Order Refunded", "Order Updated"]),
        ORDER,
    ),
    st.tuples(st.just("identify"), MAYBE_CUSTOMER, DEVICES, st.none(), st.sampled_from([{}, {"email": "n@x.example"}])),
    st.tuples(st.just("alias"), CUSTOMERS, st.sampled_from(["u1", "u2", "u3", "d1", "d2"]), st.none(), st.just({})),
)
STEP = st.lists(st.tuples(SAID, st.integers(1, 60), st.sampled_from(["server", "server", "write"])), max_size=6)


def events(number: int, step: Sequence[Any]) -> list[Event]:
    made = []
    for place, ((kind, who, other, name, data), days, trust) in enumerate(step):
        at = NOW - timedelta(days=days)
        made.append(
            Event(
                message_id=f"{number}-{place}",
                type=kind,
                timestamp=at,
                received_at=at,
                user_id=who,
                anonymous_id=None if kind == "alias" else other,
                previous_id=other if kind == "alias" else None,
                name=name,
                properties=data if kind == "track" else {},
                traits=data if kind == "identify" else {},
                trust=trust,
            )
        )
    return made


class Shop:
    """Whose profiles are built step by step, and once more as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(f"sqlite:///{folder}/shop.db")
        self.database.migrate()
        self.log = EventLog(self.database, folder / "log", heard=identity.hear)

    def take(self, number: int, step: Sequence[Any]) -> None:
        with self.database.transaction() as connection:
            self.log.append(connection, events(number, step), now=NOW)

    def built(self, store: str, as_of: datetime = NOW, base: Snapshot | None = None) -> Snapshot:
        artifacts = ArtifactStore(self.folder / store)
        return build(self.log, artifacts, as_of=as_of, settings=ProfileSettings(), now=NOW, base=base)


BOUGHT = ("track", None, "d1", "Order Completed", {"order_id": "o1", "revenue": 30})
RELINKED: dict[str, tuple[list[Any], list[Any], dict[str, int]]] = {
    "another customer logs in before the first one": (
        [(BOUGHT, 50, "server"), (("identify", "u1", "d1", None, {}), 40, "server")],
        [(("identify", "u2", "d1", None, {}), 45, "server")],
        {"u1": 0, "u2": 1},
    ),
    "an alias names another customer": (
        [
            (("track", "u1", None, "Order Completed", {"revenue": 5}), 50, "server"),
            (("alias", "u2", "u1", None, {}), 40, "server"),
        ],
        [(("alias", "u3", "u1", None, {}), 30, "server")],
        {"u3": 1},
    ),
    "a stranger cancels": (
        [(("track", "u1", "d1", *BOUGHT[3:]), 50, "server")],
        [(("track", None, "d2", "Order Cancelled", {"order_id": "o1"}), 45, "server")],
        {"u1": 0},
    ),
    "the shop names whose an order is": (
        [(("track", "u1", "d1", *BOUGHT[3:]), 50, "write")],
        [(("track", "u2", "d2", *BOUGHT[3:]), 45, "server")],
        {"u1": 0, "u2": 1},
    ),
    "a visitor ordered and says so late": (
        [(("identify", "u1", "d1", None, {}), 40, "server")],
        [(("track", None, "d1", "Order Completed", {"revenue": 5}), 50, "server")],
        {"u1": 1},
    ),
    "a visitor is known": (
        [(BOUGHT, 50, "server"), (("track", "u1", "d2", "Product Viewed", {"product_id": "p"}), 50, "server")],
        [(("alias", "u1", "d1", None, {}), 45, "server")],
        {"u1": 1},
    ),
}


@pytest.mark.parametrize("case", RELINKED)
def test_what_was_computed_before_does_not_stay_where_it_no_longer_belongs(case: str, tmp_path: Path) -> None:
    shop, (before, after, orders) = Shop(tmp_path), RELINKED[case]
    shop.take(0, before)
    base = shop.built("steps", NOW - timedelta(days=1))
    shop.take(1, after)
    step, whole = shop.built("steps", base=base).table(), shop.built("whole").table()
    assert step.to_pylist() == whole.to_pylist()
    found = dict(zip(step["customer_id"].to_pylist(), step["orders"].to_pylist(), strict=True))
    assert {customer: found[customer] for customer in orders} == orders


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, min_size=2, max_size=3))
def test_profiles_built_step_by_step_are_those_of_a_whole_build(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop, base = Shop(Path(folder)), None
        for number, step in enumerate(steps):
            shop.take(number, step)
            base = shop.built("steps", NOW - timedelta(days=20 * (len(steps) - 1 - number)), base)
        whole = shop.built("whole")
        shop.database.close()
        assert base is not None
        assert base.table().to_pylist() == whole.table().to_pylist()
