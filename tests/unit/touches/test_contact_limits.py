"""Caps and quiet hours: the boundaries of windows and hours, in the customer's own zone, over a change of clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from zhanggui.touches.contact_limits import Cap, ContactLimits, next_allowed, zone

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
NIGHT = ContactLimits(quiet_from=time(21), quiet_until=time(9))
NOON = ContactLimits(quiet_from=time(12), quiet_until=time(14))
MINUTE = timedelta(minutes=1)


def _berlin(month: int, day: int, *clock: int) -> datetime:
    return datetime(2026, month, day, *clock, tzinfo=BERLIN)


def _next(local: datetime, limits: ContactLimits = NIGHT, *, channel: str = "email") -> datetime:
    allowed = next_allowed(local.astimezone(UTC), channel=channel, zone=BERLIN, limits=limits)
    assert allowed.tzinfo is UTC
    return allowed.astimezone(BERLIN)


@pytest.mark.parametrize(
    ("local", "allowed"),
    [
        (_berlin(3, 2, 8, 59, 59), _berlin(3, 2, 9)),
        (_berlin(3, 2, 9), _berlin(3, 2, 9)),
        (_berlin(3, 2, 20, 59, 59), _berlin(3, 2, 20, 59, 59)),
        (_berlin(3, 2, 21), _berlin(3, 3, 9)),
        (_berlin(3, 2, 23, 59), _berlin(3, 3, 9)),
        (_berlin(3, 3, 0), _berlin(3, 3, 9)),
    ],
)
def test_quiet_hours_over_midnight_end_on_the_next_morning(local: datetime, allowed: datetime) -> None:
    assert _next(local) == allowed


@pytest.mark.parametrize(
    ("local", "allowed"),
    [
        (_berlin(3, 2, 11, 59, 59), _berlin(3, 2, 11, 59, 59)),
        (_berlin(3, 2, 12), _berlin(3, 2, 14)),
        (_berlin(3, 2, 13, 59, 59), _berlin(3, 2, 14)),
        (_berlin(3, 2, 14), _berlin(3, 2, 14)),
        (_berlin(3, 2, 23), _berlin(3, 2, 23)),
    ],
)
def test_quiet_hours_within_a_day_end_on_that_day(local: datetime, allowed: datetime) -> None:
    assert _next(local, NOON) == allowed


def test_equal_times_mean_no_quiet_hours() -> None:
    always = ContactLimits(quiet_from=time(9), quiet_until=time(9))
    for hour in range(24):
        assert _next(_berlin(3, 2, hour), always) == _berlin(3, 2, hour)


def test_a_channel_that_disturbs_nobody_has_no_quiet_hours() -> None:
    at_night = _berlin(3, 2, 3)
    assert _next(at_night, channel="onsite") == at_night
    for channel in ("email", "sms", "webhook"):
        assert _next(at_night, channel=channel) == _berlin(3, 2, 9)


def test_the_hours_are_those_of_the_customers_zone() -> None:
    moment = datetime(2026, 3, 2, 2, tzinfo=UTC)  # ten in Shanghai, three in Berlin
    assert next_allowed(moment, channel="email", zone=SHANGHAI, limits=NIGHT) == moment
    assert next_allowed(moment, channel="email", zone=BERLIN, limits=NIGHT) == datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("day", [_berlin(3, 28), _berlin(10, 24)])  # the night before clocks change
def test_quiet_hours_end_by_the_clock_also_in_the_night_that_is_longer_or_shorter(day: datetime) -> None:
    assert _next(day.replace(hour=22)) == (day + timedelta(days=1)).replace(hour=9)
    assert _next((day + timedelta(days=1)).replace(hour=8, minute=59)) == (day + timedelta(days=1)).replace(hour=9)
    moment = day.replace(hour=22).astimezone(UTC)
    wait = next_allowed(moment, channel="email", zone=BERLIN, limits=NIGHT) - moment
    assert wait == timedelta(hours=10 if day.month == 3 else 12)


@pytest.mark.parametrize("minute", range(0, 48 * 60, 17))
def test_what_is_allowed_is_not_quiet_and_the_minute_before_is(minute: int) -> None:
    moment = datetime(2026, 3, 28, 6, tzinfo=UTC) + minute * MINUTE
    allowed = next_allowed(moment, channel="sms", zone=BERLIN, limits=NIGHT)
    assert allowed >= moment
    assert next_allowed(allowed, channel="sms", zone=BERLIN, limits=NIGHT) == allowed
    if allowed > moment:
        assert next_allowed(allowed - MINUTE, channel="sms", zone=BERLIN, limits=NIGHT) == allowed


def test_a_zone_that_is_none_is_the_shops() -> None:
    assert zone("Europe/Berlin", "Asia/Shanghai") == BERLIN
    for name in (None, "", "Mars/Olympus", "../etc/passwd", "\x00", "Europe"):
        assert zone(name, "Asia/Shanghai") == SHANGHAI


CAPS = (Cap(messages=2, days=7), Cap(messages=1, days=0.5, channel="sms"))


def test_a_message_counts_against_the_caps_of_its_channel_and_of_all() -> None:
    limits = ContactLimits(caps=CAPS)
    assert limits.caps_of("sms") == CAPS
    assert limits.caps_of("email") == CAPS[:1]
