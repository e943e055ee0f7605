"""What a receipt changes: the message, its touch, the contact, the address, the flow and the event log, at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.pace import resting_until
from zhanggui.testing import MemoryChannel
from zhanggui.touches import contacts, flows, touch

MINUTES = timedelta(minutes=1)


class Scripted(MemoryChannel):
    """Answers each message as told."""

    def __init__(self, answer: Callable[[Any], dict[str, Any]]) -> None:
        super().__init__()
        self.answer = answer

    def send(self, messages: Any) -> Any:
        for message in messages:
            self.sent.append(message)
            yield Receipt(
                **{"message_id": message.message_id, "outcome": "retry", "detail": "said"} | self.answer(message)
            )


def contacted(post: Any) -> list[str]:
    with post.database.reading() as connection:
        return sorted(connection.scalars(sa.select(contacts.contacts.c.customer_id)))


def standing(post: Any, customer_id: str) -> touch.Standing:
    with post.database.reading() as connection:
        found = touch.standing(connection, touch.touch_id(customer_id, "run"))
    assert found is not None
    return found


def test_an_acceptance_is_told_to_the_event_log_once_with_the_message(post: Any, noon: datetime) -> None:
    post.put("ann", decision_id="d1")
    assert post.send(MemoryChannel()) == {"sent": 1}
    assert post.send(MemoryChannel()) == {}
    with post.events.read() as log:
        (event,) = log.to_pyarrow().to_pylist()
    assert (event["name"], event["user_id"], event["timestamp"]) == ("Message Delivered", "ann", noon)
    assert event["message_id"] == "delivered-run-ann-email"
    assert '"decision_id": "d1"' in event["body"].replace('":"', '": "')
    assert '"channel": "email"' in event["body"].replace('":"', '": "')
    assert standing(post, "ann") == touch.Standing(state="sent", reason="")
    assert contacted(post) == ["ann"]


@pytest.mark.parametrize(
    ("outcome", "stays"), [("accepted", True), ("in_doubt", True), ("retry", False), ("rejected", False)]
)
def test_what_was_surely_not_taken_was_no_contact(post: Any, outcome: Any, stays: bool) -> None:
    post.put("ann")
    post.send(MemoryChannel(lambda _message: outcome))
    assert contacted(post) == (["ann"] if stays else [])


def test_a_message_that_may_have_been_taken_before_stays_a_contact_when_it_is_refused(post: Any) -> None:
    post.put("ann")
    post.send(MemoryChannel(lambda _message: "in_doubt"))
    post.clock.advance(15 * MINUTES)
    assert post.send(MemoryChannel(lambda _message: "rejected")) == {"dead": 1}
    assert contacted(post) == ["ann"]


def test_only_an_address_that_is_said_not_to_exist_is_suppressed(post: Any) -> None:
    post.put("ann", "bob", "carl")
    answers = {
        "ann": {"outcome": "rejected", "bad_address": True, "detail": "550 5.1.1 no such user"},
        "bob": {"outcome": "rejected", "detail": "550 no"},
        "carl": {"policy": True},
    }
    post.send(Scripted(lambda message: answers[message.customer_id]))
    with post.database.reading() as connection:
        everybody = [f"{who}@x.example" for who in answers]
        assert contacts.suppressed(connection, "email", everybody) == {"ann@x.example": "550 5.1.1 no such user"}


def test_a_touch_ends_with_its_message_and_a_retry_leaves_it_open(post: Any) -> None:
    post.put("ann", "bob")
    post.send(MemoryChannel(lambda message: "rejected" if message.customer_id == "ann" else "retry"))
    assert standing(post, "ann") == touch.Standing(state="ended", reason="fake: rejected")
    assert standing(post, "bob") == touch.Standing(state="open", reason="")


def test_a_touch_in_doubt_ends_so(post: Any) -> None:
    post.put("ann")
    post.send(MemoryChannel(lambda _message: "in_doubt"))
    assert standing(post, "ann").state == "open"
    post.clock.advance(15 * MINUTES)
    assert post.send(MemoryChannel(lambda _message: "in_doubt")) == {"in_doubt": 1}
    assert standing(post, "ann") == touch.Standing(state="ended", reason="in_doubt")
    assert post.delivered() == []


def test_a_touch_goes_on_while_another_channel_may_still_carry_it(post: Any) -> None:
    post.put("ann")
    post.put("ann", channel="sms", address="+491")
    post.send({"email": MemoryChannel(lambda _message: "rejected")})
    assert standing(post, "ann").state == "open"
    assert post.send({"sms": MemoryChannel()}) == {"sent": 1}
    assert standing(post, "ann").state == "sent"


def test_a_rest_that_is_asked_for_stops_the_whole_channel(post: Any, noon: datetime) -> None:
    post.put("ann", "bob", "carl")
    channel = Scripted(lambda _message: {"slow_down_seconds": 60.0})
    assert post.send(channel) == {"waiting": 1, "postponed": 2}
    with post.database.reading() as connection:
        assert resting_until(connection, "email", now=noon) == noon + MINUTES
    assert {row.due_at for row in post.rows()} == {noon + MINUTES}
    mended = MemoryChannel()
    post.clock.advance(MINUTES - timedelta(microseconds=1))
    assert post.send(mended) == {}
    post.clock.advance(timedelta(microseconds=1))
    assert post.send(mended) == {"sent": 3}


def test_what_becomes_due_while_a_channel_rests_waits(post: Any, noon: datetime) -> None:
    post.put("ann")
    post.send(Scripted(lambda _message: {"slow_down_seconds": 60.0}))
    post.put("bob")
    assert post.send(MemoryChannel()) == {}


def opened(post: Any) -> None:
    with post.database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="n", version=1)


def state(post: Any) -> tuple[str, str]:
    with post.database.reading() as connection:
        flow = flows.get(connection, "run")
    return flow.state, flow.reason


def test_the_fifth_refusal_of_the_shop_itself_pauses_the_run_and_nobody_is_suppressed(post: Any) -> None:
    opened(post)
    people = [f"c{number}" for number in range(8)]
    post.put(*people)
    refused = Scripted(lambda _message: {"policy": True, "detail": "553 5.7.1 not yours"})
    assert post.send(refused) == {"waiting": 5, "postponed": 3}
    assert state(post) == ("paused", "5 refusals of the shop itself: 553 5.7.1 not yours")
    assert len(refused.sent) == 5
    assert set(post.states().values()) == {"waiting"}
    assert post.send(MemoryChannel()) == {}, "nothing leaves while it is paused"
    assert contacted(post) == []
    with post.database.reading() as connection:
        assert contacts.suppressed(connection, "email", [f"{who}@x.example" for who in people]) == {}


def test_four_refusals_pause_nothing_and_an_acceptance_begins_the_count_anew(post: Any) -> None:
    opened(post)
    post.put(*(f"c{number}" for number in range(9)))
    accepted = {"outcome": "accepted", "detail": "250"}
    post.send(Scripted(lambda message: accepted if message.customer_id == "c4" else {"policy": True}))
    assert state(post) == ("running", "")
    assert sorted(post.states().values()) == ["sent"] + ["waiting"] * 8


def test_other_refusals_are_not_the_shops_own(post: Any) -> None:
    opened(post)
    post.put(*(f"c{number}" for number in range(9)))
    post.send(MemoryChannel(lambda _message: "retry"))
    assert state(post) == ("running", "")
