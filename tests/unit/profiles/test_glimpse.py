"""What is asked about some customers is answered as a snapshot would, and leaves none behind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.profiles import identity
from zhanggui.profiles.build import build
from zhanggui.profiles.glimpse import glimpse
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import NAME, latest
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = ProfileSettings()


class Shop:
    def __init__(self, folder: Path) -> None:
        self.database, self.artifacts = Database(f"sqlite:///{folder / 'shop.db'}"), ArtifactStore(folder)
        self.database.migrate()
        self.log = EventLog(self.database, folder / "events")

    def add(self, *events: Event) -> None:
        with self.database.transaction() as connection:
            self.log.append(connection, events, now=NOW)
            identity.apply(connection, identity.learn(events))

    def build(self, as_of: datetime, *, now: datetime = NOW):
        return build(self.log, self.artifacts, as_of=as_of, settings=SETTINGS, now=now)


@pytest.fixture
def shop(tmp_path: Path):
    shop = Shop(tmp_path)
    shop.add(*(order(number, who, days) for number, (who, days) in enumerate([("a", 9), ("b", 5), ("a", 2), ("c", 1)])))
    yield shop
    shop.database.close()


def order(number: int, who: str, days: float) -> Event:
    at = NOW - timedelta(days=days)
    properties = {"order_id": f"o{number}", "revenue": 10.0, "currency": "CNY"}
    return Event(
        message_id=f"m{number}", type="track", name="Order Completed", timestamp=at, received_at=at, user_id=who, properties=properties
    )  # fmt: skip


def test_a_glimpse_says_what_the_snapshot_would_say_and_keeps_nothing(shop: Shop) -> None:
    seen = glimpse(shop.log, ["b", "a", "a"], as_of=NOW, settings=SETTINGS)
    assert shop.artifacts.versions(NAME) == []
    built = shop.build(NOW)
    assert seen.table() == built.table(customer_ids=["a", "b"])
    assert seen.table(["orders"], ["a"])["orders"].to_pylist() == [2]
    assert (seen.version, seen.as_of, seen.position) == (built.version, NOW, built.position)


def test_a_glimpse_looks_no_further_than_its_moment(shop: Shop) -> None:
    seen = glimpse(shop.log, ["a", "c"], as_of=NOW - timedelta(days=3), settings=SETTINGS)
    assert seen.table(["customer_id", "orders"]).to_pylist() == [{"customer_id": "a", "orders": 1}]


@pytest.mark.parametrize("asked", [[], ["nobody"]])
def test_a_glimpse_of_nobody_is_empty(shop: Shop, asked: list[str]) -> None:
    assert glimpse(shop.log, asked, as_of=NOW, settings=SETTINGS).table().num_rows == 0


def test_the_latest_snapshot_is_the_nearest_to_the_moment_not_the_one_built_last(shop: Shop) -> None:
    assert latest(shop.artifacts, by=NOW) is None
    present = shop.build(NOW)
    past = shop.build(NOW - timedelta(days=3), now=NOW + timedelta(hours=1))
    future = shop.build(NOW + timedelta(days=3), now=NOW + timedelta(hours=2))
    assert latest(shop.artifacts, by=NOW) == present
    assert latest(shop.artifacts, by=NOW - timedelta(microseconds=1)) == past
    assert latest(shop.artifacts, by=future.as_of) == future


def test_of_two_snapshots_as_of_one_moment_the_one_that_knows_more_is_the_latest(shop: Shop) -> None:
    # An event that came late.
    for number in range(4, 8):
        shop.build(NOW)
        shop.add(order(number, "d", 1))
    assert latest(shop.artifacts, by=NOW).position == 7
