"""Rates and rests of a channel, kept in the database by all workers together."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from zhanggui.delivery import pace
from zhanggui.delivery.pace import Pace
from zhanggui.storage import Database

SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        yield connection


def slots(
    connection: sa.Connection, count: int, now: datetime, domain: str = "x.example", **rates: float
) -> list[float]:
    """So many seconds after `now` the next messages may go."""
    moments = [pace.slot(connection, "email", domain, pace=Pace(**rates), now=now) for _ in range(count)]  # type: ignore[arg-type]
    return [(moment - now).total_seconds() for moment in moments]


def test_without_rates_everything_goes_at_once(connection: sa.Connection, noon: datetime) -> None:
    assert slots(connection, 3, noon) == [0, 0, 0]
    assert connection.execute(sa.select(pace.paces)).all() == []


def test_a_channel_goes_at_its_rate(connection: sa.Connection, noon: datetime) -> None:
    assert slots(connection, 3, noon, per_second=4) == [0, 0.25, 0.5]
    assert slots(connection, 2, noon + SECOND / 4, per_second=4) == [0.5, 0.75]
    assert slots(connection, 2, noon + 60 * SECOND, per_second=4) == [0, 0.25], "what was not used is not kept"
    moment = pace.slot(connection, "other", "x.example", pace=Pace(per_second=4), now=noon)
    assert moment == noon, "another channel has its own rate"


def test_each_receiving_domain_has_its_own_rate(connection: sa.Connection, noon: datetime) -> None:
    assert slots(connection, 2, noon, "a.example", per_domain_per_second=2) == [0, 0.5]
    assert slots(connection, 2, noon, "b.example", per_domain_per_second=2) == [0, 0.5]
    assert slots(connection, 2, noon, "", per_domain_per_second=2) == [0, 0], "what has no domain has no such rate"


def test_of_two_rates_the_slower_holds(connection: sa.Connection, noon: datetime) -> None:
    assert slots(connection, 3, noon, "a.example", per_second=10, per_domain_per_second=2) == [0, 0.5, 1]
    assert slots(connection, 1, noon, "b.example", per_second=10, per_domain_per_second=2) == [0.3]


def test_a_channel_rests_until_its_moment(connection: sa.Connection, noon: datetime) -> None:
    assert pace.resting_until(connection, "email", now=noon) is None
    pace.rest(connection, "email", until=noon + SECOND)
    assert pace.resting_until(connection, "email", now=noon) == noon + SECOND
    assert pace.resting_until(connection, "email", now=noon + SECOND - TICK) == noon + SECOND
    assert pace.resting_until(connection, "email", now=noon + SECOND) is None
    assert pace.resting_until(connection, "sms", now=noon) is None


def test_a_shorter_rest_does_not_end_a_longer_one(connection: sa.Connection, noon: datetime) -> None:
    for seconds, ends in ((60, 60), (30, 60), (90, 90)):
        pace.rest(connection, "email", until=noon + seconds * SECOND)
        assert pace.resting_until(connection, "email", now=noon) == noon + ends * SECOND


def test_a_rest_is_no_rate(connection: sa.Connection, noon: datetime) -> None:
    pace.rest(connection, "email", until=noon + 60 * SECOND)
    assert slots(connection, 1, noon, per_second=1) == [0]
    assert pace.resting_until(connection, "email", now=noon) == noon + 60 * SECOND


@pytest.mark.parametrize("connections", [0, -1])
def test_a_channel_without_connections_is_refused(connections: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Pace(connections=connections)
    assert Pace(connections=1).connections == 1


@pytest.mark.parametrize(
    ("address", "domain"), [("ann@X.Example ", "x.example"), ('"a@b"@c.example', "c.example"), ("+491", ""), ("", "")]
)
def test_the_domain_of_a_mailbox(address: str, domain: str) -> None:
    assert pace.domain_of(address) == domain
