"""Claims: what a worker takes, keeps, loses and gives back, each at its boundary."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.delivery import DeliverySettings, claims, outbox
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.claims import Claimed
from zhanggui.touches import contacts, flows

SETTINGS = DeliverySettings(batch=2, lease_seconds=60, attempts=3, backoff_seconds=30, in_doubt_minutes=15)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)


@pytest.fixture
def connection(post: Any) -> Iterator[sa.Connection]:
    with post.database.transaction() as connection:
        yield connection


@pytest.fixture
def ann(post: Any) -> None:
    post.put("ann")


def take(connection: sa.Connection, now: datetime, **given: Any) -> list[Claimed]:
    return claims.take(connection, now=now, **{"channel": "email", "settings": SETTINGS} | given)


def names(claimed: list[Claimed]) -> list[str]:
    return [one.message.customer_id for one in claimed]


def row(connection: sa.Connection, customer_id: str = "ann") -> Any:
    return connection.execute(sa.select(outbox.outbox).where(outbox.outbox.c.customer_id == customer_id)).one()


def test_a_batch_is_taken_in_order_of_moment_and_customer(post: Any, noon: datetime) -> None:
    post.put("dora", "bob", "carl")
    post.put("zoe", send_at=noon - MINUTE)
    with post.database.transaction() as connection:
        first, second = take(connection, noon), take(connection, noon)
        assert names(first) == ["zoe", "bob"]
        assert names(second) == ["carl", "dora"]
        assert take(connection, noon) == []
        assert len({one.token for one in (*first, *second)}) == 2
        held = row(connection, "bob")
    assert (held.state, held.claim, held.lease_until) == ("claimed", first[0].token, noon + MINUTE)
    assert (first[0].attempts, first[0].in_doubt) == (0, 0)


def test_what_is_due_later_on_another_channel_or_of_another_run_is_left(post: Any, noon: datetime) -> None:
    post.put("ann", send_at=noon + TICK)
    post.put("bob", channel="sms", address="+491")
    post.put("carl", run_id="other")
    with post.database.transaction() as connection:
        assert take(connection, noon, run_id="run") == []
        assert names(take(connection, noon + TICK, run_id="run")) == ["ann"]
        assert names(take(connection, noon)) == ["carl"]
        assert names(take(connection, noon, channel="sms")) == ["bob"]


@pytest.mark.parametrize("state", ["paused", "cancelled", "running", "done"])
@pytest.mark.parametrize("run_id", ["run", None])
def test_nothing_of_a_flow_that_is_stopped_is_claimed(
    post: Any, noon: datetime, state: str, run_id: str | None
) -> None:
    post.put("ann")
    with post.database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="n", version=1)
        connection.execute(sa.update(flows.flows).values(state=state))
        assert names(take(connection, noon, run_id=run_id)) == ([] if state in ("paused", "cancelled") else ["ann"])


def test_a_stopped_flow_does_not_keep_others_waiting(post: Any, noon: datetime) -> None:
    post.put("ann", run_id="a")
    post.put("bob", run_id="b")
    with post.database.transaction() as connection:
        flows.open(connection, "a", kind="run", name="n", version=1)
        flows.pause(connection, "a")
        assert names(take(connection, noon)) == ["bob"]


def test_a_claim_is_lost_after_its_lease_and_not_before(ann: None, connection: sa.Connection, noon: datetime) -> None:
    take(connection, noon)
    assert take(connection, noon + MINUTE) == []
    (again,) = take(connection, noon + MINUTE + TICK)
    assert (again.attempts, again.in_doubt) == (0, 0), "it had not begun"


def test_a_renewed_claim_lasts_from_then_on(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    claims.renew(connection, ["nobody's"], now=noon + MINUTE, settings=SETTINGS)
    assert row(connection).lease_until == noon + MINUTE
    claims.renew(connection, [claimed.token], now=noon + MINUTE, settings=SETTINGS)
    assert take(connection, noon + 2 * MINUTE) == []
    assert claims.begin(connection, [claimed], now=noon + 2 * MINUTE, settings=SETTINGS)
    claims.renew(connection, [claimed.token], now=noon + 4 * MINUTE, settings=SETTINGS)
    assert row(connection).lease_until == noon + 5 * MINUTE


def test_an_ended_message_is_not_renewed(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    claims.end(connection, claimed, state="refused", reason="no", now=noon)
    claims.renew(connection, [claimed.token], now=noon, settings=SETTINGS)
    assert row(connection).lease_until is None


def test_a_message_begins_once_by_its_own_claim(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    assert not claims.begin(connection, [replace(claimed, token="another")], now=noon, settings=SETTINGS)
    assert claims.begin(connection, [claimed], now=noon + MINUTE, settings=SETTINGS)
    begun = row(connection)
    assert (begun.state, begun.attempts, begun.lease_until) == ("sending", 1, noon + 2 * MINUTE)
    assert not claims.begin(connection, [claimed], now=noon, settings=SETTINGS)


def test_what_was_not_begun_is_given_back(post: Any, noon: datetime) -> None:
    post.put("ann", "bob")
    post.put("carl", run_id="other")
    with post.database.transaction() as connection:
        first, second = take(connection, noon, run_id="run")
        (other,) = take(connection, noon, run_id="other")
        claims.begin(connection, [first], now=noon, settings=SETTINGS)
        claims.give_back(connection, first.token)
        assert [row(connection, who).state for who in ("ann", "bob", "carl")] == ["sending", "waiting", "claimed"]
        assert (row(connection, "bob").claim, row(connection, "bob").lease_until) == (None, None)
        assert other.token != second.token


def test_what_was_being_sent_when_its_worker_was_lost_is_tried_once_more_after_a_while_and_then_in_doubt(
    ann: None, connection: sa.Connection, noon: datetime
) -> None:
    (claimed,) = take(connection, noon)
    claims.begin(connection, [claimed], now=noon, settings=SETTINGS)
    later = noon + MINUTE + TICK
    assert take(connection, later) == []
    lost = row(connection)
    assert (lost.state, lost.in_doubt, lost.due_at) == ("waiting", 1, noon + 15 * MINUTE)
    assert (lost.claim, lost.lease_until, lost.reason) == (None, None, claims.CUT_OFF)
    (again,) = take(connection, noon + 15 * MINUTE)
    assert (again.attempts, again.in_doubt) == (1, 1)
    claims.begin(connection, [again], now=noon + 15 * MINUTE, settings=SETTINGS)
    assert take(connection, noon + 30 * MINUTE) == []
    ended = row(connection)
    assert (ended.state, ended.in_doubt, ended.ended_at) == ("in_doubt", 2, noon + 30 * MINUTE)
    assert ended.lease_until is None
    assert take(connection, noon + 90 * MINUTE) == []


def test_a_long_lost_message_goes_again_in_the_same_take(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    claims.begin(connection, [claimed], now=noon, settings=SETTINGS)
    assert names(take(connection, noon + 60 * MINUTE)) == ["ann"]


def test_an_acceptance_counts_whoever_holds_the_message_by_then(
    ann: None, connection: sa.Connection, noon: datetime
) -> None:
    (first,) = take(connection, noon)
    claims.begin(connection, [first], now=noon, settings=SETTINGS)
    (second,) = take(connection, noon + 60 * MINUTE)
    message_id = first.message.message_id
    assert claims.accept(connection, message_id, detail="250", now=noon)
    taken = row(connection)
    assert (taken.state, taken.reason, taken.ended_at, taken.claim) == ("sent", "250", noon, None)
    assert not claims.begin(connection, [second], now=noon, settings=SETTINGS), "the other may not begin any more"
    assert not claims.accept(connection, message_id, detail="again", now=noon + MINUTE)
    assert row(connection).ended_at == noon


@pytest.mark.parametrize("state", ["dead", "refused", "in_doubt", "waiting"])
def test_an_acceptance_wins_over_every_end(ann: None, connection: sa.Connection, noon: datetime, state: str) -> None:
    connection.execute(sa.update(outbox.outbox).values(state=state))
    assert claims.accept(connection, "run-ann-email", detail="250", now=noon)
    assert row(connection).state == "sent"
    assert not claims.accept(connection, "other", detail="250", now=noon)


def failed(connection: sa.Connection, claimed: Claimed, noon: datetime, **given: Any) -> str | None:
    receipt = {"message_id": claimed.message.message_id, "outcome": "retry", "detail": "450 later"} | given
    return claims.fail(connection, claimed, Receipt(**receipt), now=noon, jitter=0.5, settings=SETTINGS)


def test_a_failed_attempt_waits_twice_as_long_each_time_and_the_last_is_dead(
    ann: None, connection: sa.Connection, noon: datetime
) -> None:
    for attempt, wait in ((0, 15), (1, 30)):
        (claimed,) = take(connection, noon)
        claims.begin(connection, [claimed], now=noon, settings=SETTINGS)
        assert claimed.attempts == attempt
        assert failed(connection, claimed, noon) == "waiting"
        waiting = row(connection)
        assert (waiting.state, waiting.due_at, waiting.reason) == (
            "waiting",
            noon + timedelta(seconds=wait),
            "450 later",
        )
        assert (waiting.claim, waiting.lease_until, waiting.in_doubt) == (None, None, 0)
        noon = waiting.due_at
    (claimed,) = take(connection, noon)
    claims.begin(connection, [claimed], now=noon, settings=SETTINGS)
    assert failed(connection, claimed, noon) == "dead"
    assert (row(connection).state, row(connection).ended_at) == ("dead", noon)


def test_a_rejected_message_is_dead_at_once(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    assert failed(connection, claimed, noon, outcome="rejected", detail="550 no") == "dead"
    ended = row(connection)
    assert (ended.state, ended.reason, ended.ended_at, ended.claim, ended.lease_until) == (
        "dead", "550 no", noon, None, None
    )  # fmt: skip


def test_a_rest_that_was_asked_for_is_kept(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    failed(connection, claimed, noon, slow_down_seconds=300.0)
    assert row(connection).due_at == noon + 5 * MINUTE
    (claimed,) = take(connection, noon + 5 * MINUTE)
    failed(connection, claimed, noon, slow_down_seconds=1.0)
    assert row(connection).due_at == noon + timedelta(seconds=15)


def test_an_answer_that_never_came_is_in_doubt_and_the_second_one_ends_it(
    ann: None, connection: sa.Connection, noon: datetime
) -> None:
    (claimed,) = take(connection, noon)
    assert failed(connection, claimed, noon, outcome="in_doubt", detail="timed out") == "waiting"
    doubtful = row(connection)
    assert (doubtful.due_at, doubtful.in_doubt, doubtful.reason) == (noon + 15 * MINUTE, 1, "timed out")
    (claimed,) = take(connection, noon + 15 * MINUTE)
    assert failed(connection, claimed, noon, outcome="in_doubt", detail="timed out") == "in_doubt"
    assert (row(connection).state, row(connection).in_doubt, row(connection).ended_at) == ("in_doubt", 2, noon)


def test_a_late_failure_says_nothing(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (first,) = take(connection, noon)
    (second,) = take(connection, noon + 2 * MINUTE)
    before = row(connection)
    assert failed(connection, first, noon) is None
    assert not claims.end(connection, first, state="dead", reason="x", now=noon)
    claims.postpone(connection, first, until=noon)
    claims.rewrite(connection, replace(first, message=replace(first.message, subject="other")))
    assert row(connection) == before
    assert failed(connection, second, noon) == "waiting"


def test_a_postponed_message_waits_and_keeps_its_attempts(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    claims.postpone(connection, claimed, until=noon + MINUTE)
    waiting = row(connection)
    assert (waiting.state, waiting.due_at, waiting.attempts, waiting.claim, waiting.lease_until) == (
        "waiting", noon + MINUTE, 0, None, None
    )  # fmt: skip


def test_a_refused_message_ends_with_its_reason(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    assert claims.end(connection, claimed, state="refused", reason="no\0consent\ud800" + "x" * 600, now=noon)
    ended = row(connection)
    assert (ended.state, ended.ended_at, ended.claim, ended.lease_until) == ("refused", noon, None, None)
    assert ended.reason == "no consent?" + "x" * 489


def test_other_words_are_kept_for_a_retry(ann: None, connection: sa.Connection, noon: datetime) -> None:
    (claimed,) = take(connection, noon)
    claims.rewrite(connection, replace(claimed, message=replace(claimed.message, subject="other")))
    assert outbox.read(row(connection).document).subject == "other"


def three(post: Any, connection: sa.Connection, noon: datetime) -> list[Claimed]:
    """Three messages that were permitted together."""
    claimed = take(connection, noon, settings=replace(SETTINGS, batch=3))
    assert len(claims.begin(connection, claimed, now=noon, settings=SETTINGS)) == 3
    made = [(one.message.touch, one.message.address) for one in claimed]
    contacts.record(connection, made, channel="email", at=noon)
    return claimed


def contacted(connection: sa.Connection) -> list[str]:
    return sorted(connection.scalars(sa.select(contacts.contacts.c.customer_id)))


def test_one_alone_is_handed_over_as_it_begins_and_several_each_for_itself(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl")
    post.put("dora", run_id="other")
    with post.database.transaction() as connection:
        (alone,) = take(connection, noon, run_id="other")
        claims.begin(connection, [alone], now=noon, settings=SETTINGS)
        assert (row(connection, "dora").handed, row(connection, "dora").attempts) == (True, 1)
        first, second, _ = three(post, connection, noon)
        assert (row(connection).state, row(connection).handed, row(connection).attempts) == ("sending", False, 0)
        assert claims.hand_over(connection, first)
        assert (row(connection).handed, row(connection).attempts) == (True, 1)
        assert not claims.hand_over(connection, first), "once"
        assert not claims.hand_over(connection, replace(second, token="another"))
        assert not row(connection, "bob").handed


@pytest.mark.parametrize("stop", [flows.pause, flows.cancel])
def test_of_a_flow_that_was_stopped_nothing_is_handed_over(post: Any, noon: datetime, stop: Any) -> None:
    post.put("ann", "bob", "carl")
    with post.database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="n", version=1)
        first, second, _ = three(post, connection, noon)
        assert claims.hand_over(connection, first)
        stop(connection, "run")
        assert not claims.hand_over(connection, second)
        assert not row(connection, "bob").handed


def test_what_was_permitted_and_not_handed_over_can_be_asked_for_again(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl")
    with post.database.transaction() as connection:
        first, second, third = three(post, connection, noon)
        claims.hand_over(connection, first)
        claims.put_back(connection, "another")
        assert contacted(connection) == ["ann", "bob", "carl"]
        claims.put_back(connection, first.token)
        assert [row(connection, who).state for who in ("ann", "bob", "carl")] == ["sending", "claimed", "claimed"]
        assert contacted(connection) == ["ann"]
        assert claims.begin(connection, [second, third], now=noon, settings=SETTINGS) == {
            "run-bob-email",
            "run-carl-email",
        }


def test_what_was_permitted_and_not_handed_over_is_given_back_as_no_contact(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl")
    with post.database.transaction() as connection:
        first, *_ = three(post, connection, noon)
        claims.hand_over(connection, first)
        claims.give_back(connection, first.token)
        assert [row(connection, who).state for who in ("ann", "bob", "carl")] == ["sending", "waiting", "waiting"]
        assert contacted(connection) == ["ann"]


def test_of_what_a_lost_worker_was_permitted_only_what_it_handed_over_is_in_doubt(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl")
    with post.database.transaction() as connection:
        first, *_ = three(post, connection, noon)
        claims.hand_over(connection, first)
        assert names(take(connection, noon + MINUTE + TICK, settings=replace(SETTINGS, batch=3))) == ["bob", "carl"]
        assert (row(connection).state, row(connection).in_doubt) == ("waiting", 1)
        assert (row(connection, "bob").in_doubt, row(connection, "bob").attempts) == (0, 0)
        assert contacted(connection) == ["ann"]


def test_an_earlier_doubt_stays_a_contact_when_its_second_attempt_was_not_handed_over(
    post: Any, noon: datetime
) -> None:
    post.put("ann", "bob", "carl")
    with post.database.transaction() as connection:
        connection.execute(sa.update(outbox.outbox).where(outbox.outbox.c.customer_id == "ann").values(in_doubt=1))
        three(post, connection, noon)
        claims.give_up_lost(connection, now=noon + MINUTE + TICK, settings=SETTINGS)
        assert contacted(connection) == ["ann"]
        assert (row(connection).state, row(connection).in_doubt) == ("waiting", 1)
        three(post, connection, noon)
        claims.put_back(connection, row(connection).claim)
        assert contacted(connection) == ["ann"]
