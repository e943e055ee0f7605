"""How many messages are permitted at once: one at first, and no more than leave within a moment."""

import pytest

from zhanggui.delivery.permission import FRESH_SECONDS, Handful


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after(clock: Clock, handful: Handful, seconds: float) -> int:
    handful.begin()
    clock.now += seconds
    handful.left()
    return handful.size


def test_a_handful_doubles_while_it_leaves_quickly_up_to_a_bound(clock: Clock) -> None:
    handful = Handful(clock)
    assert handful.size == 1
    assert [after(clock, handful, 0.001) for _ in range(7)] == [2, 4, 8, 16, 32, 32, 32]


def test_a_handful_is_what_leaves_in_a_tenth_of_a_second(clock: Clock) -> None:
    handful = Handful(clock)
    assert [after(clock, handful, 0.04 * size) for size in (1, 2, 2)] == [2, 2, 2]
    assert after(clock, handful, 16.0) == 1
    assert after(clock, handful, 0.0) == 2, "a clock that stands still divides by nothing"


def test_a_handful_is_fresh_for_a_moment(clock: Clock) -> None:
    handful = Handful(clock)
    handful.begin()
    assert handful.is_fresh
    clock.now += FRESH_SECONDS - 0.001
    assert handful.is_fresh
    clock.now += 0.002
    assert not handful.is_fresh


def test_after_a_refusal_messages_are_permitted_one_by_one(clock: Clock) -> None:
    handful = Handful(clock)
    for _ in range(4):
        after(clock, handful, 0.001)
    handful.spoilt()
    assert handful.size == 1
