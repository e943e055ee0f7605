"""Touches: one a customer, flow, entry and step, and what may become of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zhanggui.storage import Database
from zhanggui.touches import touch
from zhanggui.touches.touch import Standing, Touch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TEA = Touch(customer_id="ann", flow="tea", entry="e1", step="first", purpose="reply")


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        yield connection


def row(connection: sa.Connection, planned: Touch) -> sa.Row[tuple[object, ...]]:
    return connection.execute(sa.select(touch.touches).where(touch.touches.c.touch_id == planned.touch_id)).one()


def test_each_part_of_the_key_makes_another_touch_and_the_purpose_does_not() -> None:
    others = [{"customer_id": "bob"}, {"flow": "cups"}, {"entry": "e2"}, {"step": "second"}]
    assert len({TEA.touch_id, *(replace(TEA, **other).touch_id for other in others)}) == 5  # type: ignore[arg-type]
    assert replace(TEA, purpose="service").touch_id == TEA.touch_id
    assert len(TEA.touch_id) == 40
    assert touch.touch_id("ann", "tea") == Touch(customer_id="ann", flow="tea").touch_id
    assert touch.touch_id("ann", "tea") == touch.touch_id("ann", "tea", "run", "message")


def test_parts_that_run_together_make_other_touches() -> None:
    assert touch.touch_id("a", "bc") != touch.touch_id("ab", "c")


def test_a_planned_touch_is_kept_whole_and_planned_again_stays_as_it_is(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    touch.end(connection, [TEA.touch_id], "sold out", at=LATER)
    touch.plan(connection, [TEA], now=LATER + timedelta(hours=1))
    assert tuple(row(connection, TEA)) == (
        TEA.touch_id, "ann", "tea", "e1", "first", "reply", "ended", "sold out", LATER
    )  # fmt: skip


def test_an_open_touch_says_since_when(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    assert touch.standing(connection, TEA.touch_id) == Standing(state="open", reason="")
    assert row(connection, TEA).at == NOW
    assert touch.standing(connection, "nobody's") is None


def test_many_are_planned_and_ended_at_once(connection: sa.Connection) -> None:
    many = [replace(TEA, customer_id=f"c{number}") for number in range(2_001)]
    touch.plan(connection, many, now=NOW)
    assert touch.end(connection, [one.touch_id for one in many], "over", at=NOW) == 2_001


def test_a_touch_ends_once_and_only_while_it_is_open(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA, replace(TEA, customer_id="bob")], now=NOW)
    assert touch.end(connection, [TEA.touch_id], "first", at=NOW) == 1
    assert touch.end(connection, [TEA.touch_id], "second", at=LATER) == 0
    assert touch.standing(connection, TEA.touch_id) == Standing(state="ended", reason="first")
    assert touch.standing(connection, replace(TEA, customer_id="bob").touch_id) == Standing(state="open", reason="")


def test_a_message_that_was_taken_wins_over_an_end_and_nothing_wins_over_it(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    touch.end(connection, [TEA.touch_id], "over", at=NOW)
    touch.sent(connection, TEA.touch_id, at=LATER)
    assert touch.standing(connection, TEA.touch_id) == Standing(state="sent", reason="")
    assert row(connection, TEA).at == LATER
    assert touch.end(connection, [TEA.touch_id], "over", at=LATER) == 0
    assert touch.reopen(connection, [TEA.touch_id], at=LATER) == 0
    touch.sent(connection, TEA.touch_id, at=NOW)
    assert row(connection, TEA).at == LATER, "it is known already"


def test_an_open_touch_can_be_sent_and_an_ended_one_reopened(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    assert touch.reopen(connection, [TEA.touch_id], at=LATER) == 0, "it is open"
    touch.end(connection, [TEA.touch_id], "dead", at=NOW)
    assert touch.reopen(connection, [TEA.touch_id], at=LATER) == 1
    assert touch.standing(connection, TEA.touch_id) == Standing(state="open", reason="")
    touch.sent(connection, TEA.touch_id, at=LATER)
    assert touch.standing(connection, TEA.touch_id) == Standing(state="sent", reason="")


def test_a_loser_names_who_won(connection: sa.Connection) -> None:
    loser = replace(TEA, flow="cups")
    touch.plan(connection, [TEA, loser], now=NOW)
    assert touch.outbid(connection, [loser.touch_id], winner=TEA.touch_id, at=NOW) == 1
    assert touch.standing(connection, loser.touch_id) == Standing(state="ended", reason=f"outbid:{TEA.touch_id}")


def test_a_long_reason_is_cut(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    touch.end(connection, [TEA.touch_id], "x" * 600, at=NOW)
    assert row(connection, TEA).reason == "x" * 500


def test_touches_of_one_step_are_told_by_their_key() -> None:
    bob = replace(TEA, customer_id="bob")
    assert TEA.others(["ann", "bob", "carl"]) == [bob.touch_id, replace(TEA, customer_id="carl").touch_id]
    assert TEA.shares_step("bob", bob.touch_id)
    assert not TEA.shares_step("ann", TEA.touch_id), "it is itself"
    for part in ({"flow": "cups"}, {"entry": "e2"}, {"step": "second"}):
        assert not TEA.shares_step("bob", replace(bob, **part).touch_id)  # type: ignore[arg-type]


def test_several_touches_say_where_they_stand(connection: sa.Connection) -> None:
    bob = replace(TEA, customer_id="bob")
    touch.plan(connection, [TEA, bob], now=NOW)
    touch.end(connection, [bob.touch_id], "over", at=NOW)
    assert touch.standings(connection, [TEA.touch_id, bob.touch_id, "nobody's"]) == {
        TEA.touch_id: Standing(state="open", reason=""),
        bob.touch_id: Standing(state="ended", reason="over"),
    }
