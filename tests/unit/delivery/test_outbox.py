"""Rows of the outbox: one a touch and channel, found by index, and what reports read of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.delivery import outbox
from zhanggui.delivery.outbox import Lane
from zhanggui.testing import MemoryChannel
from zhanggui.touches import touch

HOUR = timedelta(hours=1)


def test_a_message_is_kept_whole_and_waits_from_its_moment(post: Any, noon: datetime) -> None:
    (message,) = post.put("ann", send_at=noon + HOUR, expires_at=noon + 2 * HOUR, entry="e", step="s", purpose="reply")
    (row,) = post.rows()
    assert outbox.read(row.document) == message
    assert (row.state, row.due_at, row.attempts, row.in_doubt, row.reason) == ("waiting", noon + HOUR, 0, 0, "")
    assert (row.customer_id, row.run_id, row.channel, row.touch_id) == ("ann", "run", "email", message.touch.touch_id)
    with post.database.reading() as connection:
        assert touch.standing(connection, row.touch_id) == touch.Standing(state="open", reason="")
        kept = connection.execute(sa.select(touch.touches)).one()
    assert (kept.flow, kept.entry, kept.step, kept.purpose) == ("run", "e", "s", "reply")


def test_the_same_message_again_is_not_new_and_stays_as_it_is(post: Any, noon: datetime) -> None:
    messages = post.put("ann", "bob")
    with post.database.transaction() as connection:
        assert outbox.enqueue(connection, messages, now=noon + HOUR) == 0
    assert {row.due_at for row in post.rows()} == {noon}


def test_a_touch_has_one_message_a_channel(post: Any, noon: datetime) -> None:
    post.put("ann")
    post.put("ann", message_id="other words")
    post.put("ann", channel="sms", address="+491")
    assert [row.channel for row in post.rows()] == ["email", "sms"]


def test_many_are_enqueued_and_counted_in_parts(post: Any) -> None:
    messages = post.put(*(f"c{number}" for number in range(2_001)))
    with post.database.reading() as connection:
        assert outbox.counts(connection, "run").states == {"waiting": 2_001}
    with post.database.transaction() as connection:
        assert outbox.enqueue(connection, messages, now=post.clock()) == 0


def test_lanes_are_told_by_run_and_channel_with_their_first_moment(post: Any, noon: datetime) -> None:
    post.put("ann", send_at=noon + HOUR)
    post.put("bob", send_at=noon)
    post.put("ann", channel="sms", address="+491", send_at=noon + 2 * HOUR)
    post.put("ann", run_id="other")
    with post.database.reading() as connection:
        assert list(outbox.lanes(connection)) == [
            Lane(run_id="other", channel="email", due_at=noon),
            Lane(run_id="run", channel="email", due_at=noon),
            Lane(run_id="run", channel="sms", due_at=noon + 2 * HOUR),
        ]
        assert [lane.channel for lane in outbox.lanes(connection, "run")] == ["email", "sms"]
        assert list(outbox.lanes(connection, "p")) == []


def test_the_next_moment_of_a_run_is_that_of_what_waits_or_of_a_lease(post: Any, noon: datetime) -> None:
    post.put("ann", send_at=noon + HOUR)
    post.put("bob", run_id="other", send_at=noon)
    with post.database.transaction() as connection:
        assert outbox.next_due(connection, "run") == noon + HOUR
        assert outbox.next_due(connection, "none") is None
        lease = sa.update(outbox.outbox).values(state="sending", lease_until=noon + HOUR / 2)
        connection.execute(lease)
        assert outbox.next_due(connection, "run") == noon + HOUR / 2


def test_runs_are_due_from_the_moment_of_their_first_message_or_lost_lease(post: Any, noon: datetime) -> None:
    post.put("ann", send_at=noon + HOUR)
    tick = timedelta(microseconds=1)
    with post.database.transaction() as connection:
        assert outbox.runs_due(connection, now=noon + HOUR - tick) == []
        assert outbox.runs_due(connection, now=noon + HOUR) == ["run"]
        connection.execute(sa.update(outbox.outbox).values(state="claimed", lease_until=noon))
        assert outbox.runs_due(connection, now=noon - tick) == []
        assert outbox.runs_due(connection, now=noon) == ["run"]


def test_dead_letters_are_listed_and_tried_afresh_with_what_waits_after_a_failure(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl", "dora")
    outcome = {"ann": "rejected", "bob": "retry", "carl": "in_doubt", "dora": "accepted"}
    post.send(MemoryChannel(lambda message: outcome[message.customer_id]))  # type: ignore[arg-type, return-value]
    with post.database.reading() as connection:
        (letter,) = outbox.dead(connection, "run")
    assert (letter.customer_id, letter.channel, letter.address) == ("ann", "email", "ann@x.example")
    assert (letter.attempts, letter.ended_at, letter.reason) == (1, noon, "fake: rejected")
    post.clock.advance(timedelta(seconds=1))
    with post.database.transaction() as connection:
        assert outbox.requeue(connection, "other", now=post.clock()) == 0
        assert outbox.requeue(connection, "run", now=post.clock()) == 2
        assert outbox.dead(connection, "run") == []
    rows = {row.customer_id: row for row in post.rows()}
    for who in ("ann", "bob"):
        assert (rows[who].state, rows[who].due_at, rows[who].attempts, rows[who].ended_at, rows[who].reason) == (
            "waiting", post.clock(), 0, None, ""
        )  # fmt: skip
    assert rows["carl"].due_at == noon + timedelta(minutes=15), "what may have been taken keeps its time"
    assert rows["dora"].state == "sent"
    mended = MemoryChannel()
    assert post.send(mended) == {"sent": 2}
    assert post.delivered() == ["ann", "bob", "dora"]


def test_what_was_never_tried_is_not_counted_as_tried_afresh(post: Any, noon: datetime) -> None:
    post.put("ann", send_at=noon + HOUR)
    with post.database.transaction() as connection:
        assert outbox.requeue(connection, "run", now=noon) == 0
    assert post.rows()[0].due_at == noon + HOUR


def test_counts_say_how_a_run_stands(post: Any) -> None:
    post.put("ann", "bob", "carl")
    post.put("dora", agree=False)
    post.put("eve", run_id="other")
    outcome = {"ann": "rejected", "bob": "in_doubt", "carl": "accepted"}
    post.send(MemoryChannel(lambda message: outcome[message.customer_id]), run_id="run")  # type: ignore[arg-type, return-value]
    with post.database.reading() as connection:
        counts = outbox.counts(connection, "run")
        (sent,) = outbox.sent(connection, "run")
    assert counts.states == {"dead": 1, "waiting": 1, "sent": 1, "refused": 1}
    assert (counts.refused, counts.dead, counts.in_doubt) == ({"no_consent": 1}, {"fake: rejected": 1}, 1)
    assert (sent.message_id, sent.customer_id, sent.channel) == ("run-carl-email", "carl", "email")
    assert (sent.sent_at, sent.document["subject"]) == (post.clock(), "s")


@pytest.mark.parametrize("state", ["sent", "refused", "dead", "in_doubt"])
def test_a_touch_is_open_while_one_of_its_messages_is(post: Any, state: str) -> None:
    (message,) = post.put("ann")
    touch_id = message.touch.touch_id
    with post.database.transaction() as connection:
        assert outbox.is_open(connection, touch_id)
        connection.execute(sa.update(outbox.outbox).values(state=state))
        assert not outbox.is_open(connection, touch_id)
        assert not outbox.is_open(connection, "other")


def test_a_message_that_could_not_be_written_ends_at_once_with_its_reason(post: Any, noon: datetime) -> None:
    (message,) = post.put("ann", run_id="before")
    blank = [replace(message, run_id="run", message_id=name, customer_id=name) for name in ("bad", "good")]
    with post.database.transaction() as connection:
        assert outbox.enqueue(connection, blank, now=noon, refused={"bad": "TemplateError: no"}) == 2
        bad = touch.standing(connection, blank[0].touch.touch_id)
        good = touch.standing(connection, blank[1].touch.touch_id)
    rows = {row.customer_id: (row.state, row.reason, row.ended_at) for row in post.rows()}
    assert rows["bad"] == ("refused", "TemplateError: no", noon)
    assert rows["good"] == ("waiting", "", None)
    assert (bad, good) == (
        touch.Standing(state="ended", reason="TemplateError: no"),
        touch.Standing(state="open", reason=""),
    )


def test_a_cancelled_run_ends_what_has_not_begun_to_leave(post: Any, noon: datetime) -> None:
    post.put("waiting", "claimed", "sending", "sent", "dead", "doubtful")
    post.put("other", run_id="another")
    with post.database.transaction() as connection:
        for state in ("claimed", "sending", "sent", "dead"):
            own = {"state": state, "claim": "token", "lease_until": noon}
            connection.execute(sa.update(outbox.outbox).where(outbox.outbox.c.customer_id == state).values(own))
        doubtful = outbox.outbox.c.customer_id == "doubtful"
        connection.execute(sa.update(outbox.outbox).where(doubtful).values(in_doubt=1))
        assert outbox.cancel(connection, "run", now=noon) == 3
        assert outbox.cancel(connection, "run", now=noon) == 0
    rows = {row.customer_id: (row.state, row.reason, row.ended_at, row.claim, row.lease_until) for row in post.rows()}
    assert rows["waiting"] == rows["claimed"] == ("refused", "cancelled", noon, None, None)
    assert [rows[name][0] for name in ("sending", "sent", "dead", "other")] == ["sending", "sent", "dead", "waiting"]
    assert rows["sending"][3:] == ("token", noon)
    assert rows["doubtful"][:2] == ("in_doubt", "cancelled")
    with post.database.reading() as connection:
        standings = {name: touch.standing(connection, touch.touch_id(name, "run")) for name in ("waiting", "sending")}
    assert standings["waiting"] == touch.Standing(state="ended", reason="cancelled")
    assert standings["sending"] == touch.Standing(state="open", reason="")
