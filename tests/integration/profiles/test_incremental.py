"""Whatever happens, is linked, merged and parted in between: profiles built step by step are those of a whole build."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, min_size=2, max_size=3))
def test_profiles_built_step_by_step_are_those_of_a_whole_build(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/shop.db")
        database.migrate()
        log = EventLog(database, Path(folder) / "log", heard=identity.hear)

        def built(store: str, as_of: datetime, base: Snapshot | None = None) -> Snapshot:
            artifacts = ArtifactStore(Path(folder) / store)
            return build(log, artifacts, as_of=as_of, settings=ProfileSettings(), now=NOW, base=base)

        base = None
        for number, step in enumerate(steps):
            with database.transaction() as connection:
                log.append(connection, events(number, step), now=NOW)
            base = built("steps", NOW - timedelta(days=20 * (len(steps) - 1 - number)), base)
        whole = built("whole", NOW)
        database.close()
        assert base is not None
        assert base.table().to_pylist() == whole.table().to_pylist()
