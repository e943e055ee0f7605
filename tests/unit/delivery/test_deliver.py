"""The sending loop: what leaves, what does not, and that one message's trouble is its own."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import Checks, Pace, claims
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.permission import FRESH_SECONDS
from zhanggui.errors import DeliveryError, StorageError
from zhanggui.profiles import consent
from zhanggui.testing import MemoryChannel
from zhanggui.touches import Cap, ContactLimits, contacts, flows, touch


class Breaking(MemoryChannel):
    """Raises at the messages to some customers."""

    def __init__(self, **errors: Exception) -> None:
        super().__init__()
        self.errors = errors

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        for message in messages:
            if message.customer_id in self.errors:
                raise self.errors[message.customer_id]
            yield from super().send([message])


def people(channel: MemoryChannel) -> list[str]:
    return [message.customer_id for message in channel.sent]


def test_without_channels_nothing_can_be_delivered(post: Any) -> None:
    with pytest.raises(DeliveryError, match=r"channels\.email"):
        post.send({})


def test_everything_that_is_due_leaves_in_order_over_all_claims(post: Any) -> None:
    post.settings = replace(post.settings, batch=2)
    post.put("e", "d", "c", "b", "a")
    told: list[int] = []
    channel = MemoryChannel()
    assert post.send(channel, progress=told.append) == {"sent": 5}
    assert people(channel) == ["a", "b", "c", "d", "e"]
    assert told == [1] * 5


def test_only_messages_of_the_run_that_is_named_leave(post: Any) -> None:
    post.put("ann")
    post.put("bob", run_id="other")
    channel = MemoryChannel()
    assert post.send(channel, run_id="other") == {"sent": 1}
    assert people(channel) == ["bob"]
    assert post.send(channel) == {"sent": 1}


def test_each_channel_gets_its_own(post: Any) -> None:
    post.put("ann")
    post.put("bob", channel="sms", address="+491")
    email, sms = MemoryChannel(), MemoryChannel()
    assert post.send({"email": email, "sms": sms}) == {"sent": 2}
    assert (people(email), people(sms)) == (["ann"], ["bob"])


def test_a_cap_holds_between_messages_of_one_claim(post: Any) -> None:
    post.limits = replace(post.limits, caps=(Cap(messages=1, days=7),))
    post.put("ann")
    post.put("ann", run_id="other")
    channel = MemoryChannel()
    assert post.send(channel) == {"sent": 1, "refused": 1}
    assert {row.run_id: (row.state, row.reason) for row in post.rows()} == {
        "other": ("sent", "fake: accepted"),
        "run": ("refused", "cap:all:1/7d"),
    }


def test_at_one_mailbox_the_smallest_id_gets_the_message(post: Any) -> None:
    post.put("c", "a", "b", address="home@x.example")
    channel = MemoryChannel()
    assert post.send(channel) == {"sent": 1, "refused": 2}
    assert people(channel) == ["a"]
    assert {row.reason for row in post.rows() if row.state == "refused"} == {"same_address"}


def test_a_refused_message_ends_its_touch_with_the_reason(post: Any) -> None:
    (message,) = post.put("ann", agree=False)
    assert post.send(MemoryChannel()) == {"refused": 1}
    with post.database.reading() as connection:
        assert touch.standing(connection, message.touch.touch_id) == touch.Standing(state="ended", reason="no_consent")


def test_at_a_quiet_hour_a_message_waits_for_its_end(post: Any, noon: datetime) -> None:
    post.limits = ContactLimits(caps=(), quiet_from=clock_time(11), quiet_until=clock_time(13))
    post.put("ann")
    channel = MemoryChannel()
    assert post.send(channel) == {"postponed": 1}
    assert [row.due_at for row in post.rows()] == [noon + timedelta(hours=1)]
    assert post.send(channel) == {}
    post.clock.advance(timedelta(hours=1))
    assert post.send(channel) == {"sent": 1}


def test_the_zone_and_the_end_of_a_message_are_asked_for(post: Any, noon: datetime) -> None:
    post.limits = ContactLimits(caps=(), quiet_from=clock_time(21), quiet_until=clock_time(9))
    post.put("ann", data={"time_zone": "Asia/Tokyo"})  # nine in the evening
    post.put("bob", expires_at=noon)
    assert post.send(MemoryChannel()) == {"postponed": 1, "refused": 1}
    assert {row.customer_id: row.reason for row in post.rows()} == {"ann": "", "bob": "expired"}


def test_what_is_no_longer_true_does_not_leave(post: Any, noon: datetime) -> None:
    post.put("ann", "bob")
    asked: list[tuple[str, datetime]] = []

    def untrue(_connection: object, message: Message, now: datetime) -> str | None:
        asked.append((message.customer_id, now))
        return "out_of_stock" if message.customer_id == "ann" else None

    channel = MemoryChannel()
    assert post.send(channel, checks=Checks(untrue=untrue)) == {"refused": 1, "sent": 1}
    assert asked == [("ann", noon), ("bob", noon)]
    assert {row.customer_id: row.reason for row in post.rows()} == {"ann": "out_of_stock", "bob": "fake: accepted"}


def refuse_personalisation(post: Any, customer_id: str) -> None:
    said = consent.Consent(
        customer_id=customer_id,
        channel="*",
        purpose="personalisation",
        granted=False,
        at=post.clock(),
        how="f",
        text="",
    )
    with post.database.transaction() as connection:
        consent.record(connection, [said], now=post.clock())


def test_who_refused_personalisation_gets_another_message_or_none(post: Any) -> None:
    post.put("ann", "bob", "carl", proof={"personalised": True})
    for who in ("ann", "bob"):
        refuse_personalisation(post, who)

    def unpersonalised(message: Message) -> Message | None:
        return None if message.customer_id == "bob" else replace(message, subject="for all", proof={})

    channel = MemoryChannel()
    assert post.send(channel, checks=Checks(unpersonalised=unpersonalised)) == {"sent": 2, "refused": 1}
    assert [(message.customer_id, message.subject) for message in channel.sent] == [("ann", "for all"), ("carl", "s")]
    rows = {row.customer_id: row for row in post.rows()}
    assert rows["bob"].reason == "personalisation_refused"
    assert '"for all"' in rows["ann"].document


def test_another_message_that_is_personalised_again_ends(post: Any) -> None:
    post.put("ann", proof={"personalised": True})
    refuse_personalisation(post, "ann")
    assert post.send(MemoryChannel(), checks=Checks(unpersonalised=lambda message: message)) == {"refused": 1}
    assert post.rows()[0].reason == "personalisation_refused"


def test_an_error_while_permitting_one_message_ends_that_message_only(
    post: Any, caplog: pytest.LogCaptureFixture
) -> None:
    post.put("ann", "bob", "carl")

    def untrue(_connection: object, message: Message, _now: datetime) -> str | None:
        if message.customer_id == "bob":
            raise KeyError("price")
        return None

    channel = MemoryChannel()
    assert post.send(channel, checks=Checks(untrue=untrue)) == {"sent": 2, "dead": 1}
    assert people(channel) == ["ann", "carl"]
    assert {row.customer_id: row.reason for row in post.rows()}["bob"] == "KeyError: 'price'"
    assert "message run-bob-email cannot be sent" in caplog.text


def test_a_message_at_which_the_channel_breaks_ends_and_the_others_leave(
    post: Any, caplog: pytest.LogCaptureFixture
) -> None:
    post.put("ann", "bob", "carl", "dora")
    channel = Breaking(bob=ValueError("no such domain"), dora=IndexError("string index out of range"))
    assert post.send(channel) == {"sent": 2, "dead": 2}
    assert people(channel) == ["ann", "carl"]
    reasons = {row.customer_id: (row.state, row.reason) for row in post.rows()}
    assert reasons["bob"] == ("dead", "ValueError: no such domain")
    assert reasons["dora"] == ("dead", "IndexError: string index out of range")
    assert "message run-bob-email could not be sent" in caplog.text


def test_a_message_at_which_the_network_breaks_may_have_been_taken(post: Any) -> None:
    post.put("ann", "bob")
    assert post.send(Breaking(ann=ConnectionResetError("reset"))) == {"sent": 1, "waiting": 1}
    ann = post.rows()[0]
    assert (ann.state, ann.in_doubt, ann.reason) == ("waiting", 1, "ConnectionResetError: reset")


class Forgetful(MemoryChannel):
    """Yields no receipt for the first message of a stream."""

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        stream = iter(messages)
        next(stream, None)
        yield from super().send(stream)


def test_a_message_without_a_receipt_is_in_doubt(post: Any) -> None:
    post.put("ann", "bob")
    assert post.send(Forgetful()) == {"sent": 1, "waiting": 1}
    assert (post.rows()[0].in_doubt, post.rows()[0].reason) == (1, "the channel gave no receipt")


class Away(MemoryChannel):
    """Takes nothing, with an error or without."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        if self.error is not None:
            raise self.error
        yield from ()


@pytest.mark.parametrize("error", [OSError("the cable was pulled"), None])
def test_a_channel_that_takes_nothing_fails_the_call_and_the_messages_wait(post: Any, error: Exception | None) -> None:
    post.put("ann", "bob")
    with pytest.raises((OSError, DeliveryError), match=r"cable|'email' takes no message"):
        post.send(Away(error))
    assert [(row.state, row.claim, row.attempts) for row in post.rows()] == [("waiting", None, 0)] * 2


def test_a_receipt_for_nothing_fails_the_call(post: Any) -> None:
    class Wrong(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for _message in messages:
                yield Receipt(message_id="other", outcome="accepted", detail="")

    post.put("ann")
    with pytest.raises(DeliveryError, match="it has not got"):
        post.send(Wrong())


def test_an_error_of_the_database_is_nobodys_message(post: Any) -> None:
    def untrue(_connection: object, _message: Message, _now: datetime) -> str | None:
        raise StorageError("the disk is full")

    post.put("ann", "bob")
    with pytest.raises(StorageError, match="disk is full"):
        post.send(MemoryChannel(), checks=Checks(untrue=untrue))
    assert set(post.states().values()) == {"waiting"}


@pytest.mark.parametrize(("stop", "state"), [(flows.pause, "waiting"), (flows.cancel, "refused")])
def test_within_a_claim_nothing_begins_once_its_flow_is_stopped(post: Any, stop: Any, state: str) -> None:
    with post.database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="n", version=1)
    post.put("ann", "bob", "carl")

    class Stopping(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for receipt in super().send(messages):
                with post.database.transaction() as connection:
                    stop(connection, "run")
                yield receipt

    channel = Stopping()
    post.send(channel)
    assert people(channel) == ["ann"]
    assert post.states() == {"ann": "sent", "bob": state, "carl": state}
    assert {row.attempts for row in post.rows() if row.state == state} == {0}


def test_a_lease_is_renewed_while_a_slow_server_takes_a_message(post: Any) -> None:
    """Real time: a server that takes three leases for one message; another worker meanwhile finds nothing to do."""
    post.settings = replace(post.settings, lease_seconds=1.0)
    start, post.clock.now = time.monotonic(), post.clock()
    noon = post.clock()

    def clock() -> datetime:
        return noon + timedelta(seconds=time.monotonic() - start)

    begun = threading.Event()

    class Slow(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for message in messages:
                begun.set()
                time.sleep(3)
                yield from super().send([message])

    post.put("ann")
    slow, other = Slow(), MemoryChannel()
    thread = threading.Thread(target=lambda: post.send(slow, clock=clock))
    thread.start()
    assert begun.wait(60)
    while thread.is_alive():
        post.send(other, clock=clock)
        time.sleep(0.1)
    thread.join()
    assert (people(slow), people(other)) == (["ann"], [])
    assert [(row.state, row.in_doubt) for row in post.rows()] == [("sent", 0)]


def test_an_acceptance_is_recorded_though_another_worker_has_the_message_by_then(post: Any) -> None:
    post.put("ann")

    class Stolen(MemoryChannel):
        """While it takes a message, another worker finds its lease passed."""

        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for message in messages:
                with post.database.transaction() as connection:
                    later = post.clock() + timedelta(hours=1)
                    assert claims.take(connection, channel="email", now=later, settings=post.settings)
                yield from super().send([message])

    assert post.send(Stolen()) == {"sent": 1}
    assert [(row.state, row.in_doubt) for row in post.rows()] == [("sent", 1)]
    assert post.delivered() == ["ann"]


@pytest.mark.parametrize("batch", [1, 8])  # more than there are messages: still nobody claims for all
def test_several_connections_take_messages_at_the_same_time(post: Any, batch: int) -> None:
    post.settings = replace(post.settings, batch=batch)
    post.put(*(f"c{number}" for number in range(6)))
    together = threading.Barrier(3, timeout=20)

    class Meeting(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for message in messages:
                together.wait()
                yield from super().send([message])

    channel = Meeting()
    assert post.send(channel, paces={"email": Pace(connections=3), "sms": Pace(connections=9)}) == {"sent": 6}
    assert sorted(people(channel)) == [f"c{number}" for number in range(6)]


def test_when_one_connection_fails_the_others_stop_and_the_error_is_told(post: Any) -> None:
    post.settings = replace(post.settings, batch=1)
    post.put(*(f"c{number}" for number in range(40)))

    class Failing(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            if self.sent:
                raise OSError("the cable was pulled")
            yield from super().send(messages)

    with pytest.raises(OSError, match="cable"):
        post.send(Failing(), paces={"email": Pace(connections=3)})
    assert "claimed" not in post.states().values()
    assert "waiting" in post.states().values()


def test_a_rate_is_waited_for_before_a_message_is_permitted(post: Any) -> None:
    post.put("ann", "bob", "carl")
    post.put("dora", address="dora@y.example")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        post.clock.advance(timedelta(seconds=seconds))

    pace = Pace(per_domain_per_second=0.5)
    assert post.send(MemoryChannel(), paces={"email": pace}, sleep=sleep) == {"sent": 4}
    assert waits == [2, 2]
    waits.clear()
    post.put("eve", "frank", run_id="other", address="z")
    assert post.send(MemoryChannel(), paces={"email": Pace(per_second=4)}, sleep=sleep)["sent"] == 1
    assert waits == [0.25]


def test_what_is_permitted_together_is_handed_over_one_by_one(post: Any) -> None:
    """At most one message a connection is in doubt when its worker dies, however many were permitted."""
    post.put(*(f"c{number:02}" for number in range(20)))
    handed: list[tuple[int, int]] = []

    class Watching(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for message in messages:
                rows = [row for row in post.rows() if row.state == "sending"]
                handed.append((len(rows), sum(row.handed for row in rows)))
                yield from super().send([message])

    assert post.send(Watching()) == {"sent": 20}
    assert {doubtful for _, doubtful in handed} == {1}
    assert handed[0] == (1, 1), "the first is permitted alone"
    assert {row.attempts for row in post.rows()} == {1}


def test_what_was_permitted_too_long_ago_is_asked_for_again(post: Any) -> None:
    """Real time: a server that was quick becomes slow; a withdrawal meanwhile holds for what had been permitted."""
    people_ = [f"c{number:02}" for number in range(12)]
    post.put(*people_)

    class Slowing(MemoryChannel):
        def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
            for message in messages:
                yield from super().send([message])
                if message.customer_id == "c04":
                    for who in people_[5:]:
                        withdraw(post, who)
                    time.sleep(FRESH_SECONDS)

    channel = Slowing()
    post.send(channel)
    assert people(channel) == people_[:5]
    with post.database.reading() as connection:
        contacted = sorted(connection.scalars(sa.select(contacts.contacts.c.customer_id)))
    assert contacted == people_[:5]


def withdraw(post: Any, customer_id: str) -> None:
    said = consent.Consent(
        customer_id=customer_id, channel="email", purpose="marketing", granted=False, at=post.clock(), how="f", text=""
    )
    with post.database.transaction() as connection:
        consent.record(connection, [said], now=post.clock())


def test_of_one_person_two_messages_are_not_permitted_together(post: Any) -> None:
    post.limits = replace(post.limits, caps=(Cap(messages=1, days=7),))
    post.put("a", "b", "c")
    post.put("d1", "d2", "d3", "d4", address="d@x.example", entry="one")
    post.put("d5", "d6", address="d@x.example", entry="two")
    channel = MemoryChannel()
    assert post.send(channel) == {"sent": 4, "refused": 5}
    assert people(channel) == ["a", "b", "c", "d1"]
