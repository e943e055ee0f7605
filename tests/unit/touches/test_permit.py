"""What forbids a touch, each rule at its boundary and alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.events.event import Event
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.profiles.identity_tables import persons
from zhanggui.storage import Database, locks
from zhanggui.touches import contacts, permit, touch
from zhanggui.touches.contact_limits import Cap, ContactLimits
from zhanggui.touches.permit import Approach, Refusal, Rules
from zhanggui.touches.touch import Touch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
TEA = Touch(customer_id="ann", flow="tea")
TO_ANN = Approach(touch=TEA, channel="email", address="Ann@x.example")
OPEN = ContactLimits(caps=(), quiet_from=time(0), quiet_until=time(0))


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        agree(connection, "ann")
        yield connection


def agree(connection: sa.Connection, customer_id: str, **given: Any) -> None:
    said: dict[str, Any] = {
        "channel": "email", "purpose": "marketing", "granted": True, "at": NOW - DAY, "how": "form", "text": "yes"
    }  # fmt: skip
    consent.record(connection, [Consent(customer_id=customer_id, **said | given)], now=NOW)


def refusal(
    connection: sa.Connection, approach: Approach = TO_ANN, *, limits: ContactLimits = OPEN, now: datetime = NOW
) -> Refusal | None:
    members = permit.hold(connection, [approach])
    rules = Rules(limits=limits, time_zone="UTC")
    (found,) = permit.refusals(connection, [approach], members, rules=rules, now=now)
    return found


def contacted(connection: sa.Connection, customer_id: str = "ann", **given: Any) -> None:
    shared = {"channel": "email", "address": f"{customer_id}@x.example", "at": NOW - DAY} | given
    made = Touch(customer_id=customer_id, flow=shared.pop("flow", "before")), shared.pop("address")
    contacts.record(connection, [made], **shared)


def join(connection: sa.Connection, customer_id: str, person_id: str) -> None:
    connection.execute(sa.insert(persons).values(customer_id=customer_id, person_id=person_id))


def test_nothing_forbids_what_everything_allows(connection: sa.Connection) -> None:
    assert refusal(connection) is None


def test_marketing_needs_a_consent_for_its_channel(connection: sa.Connection) -> None:
    assert refusal(connection, replace(TO_ANN, channel="sms", address="+491")) == Refusal(reason="no_consent")
    agree(connection, "ann", granted=False, at=NOW)
    assert refusal(connection) == Refusal(reason="no_consent")


def test_a_withdrawal_under_another_id_of_the_person_holds(connection: sa.Connection) -> None:
    join(connection, "old", "ann")
    agree(connection, "old", granted=False, at=NOW - TICK)
    assert refusal(connection) == Refusal(reason="no_consent")


def test_a_withdrawal_at_the_address_holds_for_everyone_there(connection: sa.Connection) -> None:
    agree(connection, "bob", granted=False, at=NOW - TICK, address="ann@X.example")
    assert refusal(connection) == Refusal(reason="no_consent")
    assert refusal(connection, replace(TO_ANN, address="other@x.example")) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], None),
        (["ann@X.example"], None),
        ([None], "address_changed"),
        (["other@x.example"], "address_changed"),
        (["other@x.example", "ann@x.example"], None),
        (["ann@x.example", None], "address_changed"),
    ],
)
def test_an_address_that_was_taken_back_or_changed_gets_nothing(
    connection: sa.Connection, said: list[str | None], reason: str | None
) -> None:
    join(connection, "old", "ann")
    events = [
        Event(
            message_id=str(day),
            type="identify",
            user_id="old",
            traits={"email": address},
            timestamp=NOW - (9 - day) * DAY,
            received_at=NOW,
        )
        for day, address in enumerate(said)
    ]
    identity.apply(connection, identity.learn(events))
    assert refusal(connection) == (Refusal(reason=reason) if reason else None)
    assert refusal(connection, replace(TO_ANN, touch=replace(TEA, purpose="service"))) is None


@pytest.mark.parametrize("purpose", ["reply", "service"])
def test_a_reply_needs_no_consent_waits_for_no_hour_and_counts_for_no_cap(
    connection: sa.Connection, purpose: touch.Purpose
) -> None:
    agree(connection, "ann", granted=False, at=NOW)
    contacted(connection)
    limits = ContactLimits(caps=(Cap(messages=1, days=7),), quiet_from=time(0), quiet_until=time(23))
    assert refusal(connection, replace(TO_ANN, touch=replace(TEA, purpose=purpose)), limits=limits) is None


def test_a_suppressed_address_gets_nothing_however_it_is_written(connection: sa.Connection) -> None:
    contacts.suppress(connection, channel="email", address="ANN@x.example", reason="550", at=NOW)
    assert refusal(connection) == Refusal(reason="suppressed")
    reply = replace(TO_ANN, touch=replace(TEA, purpose="reply"))
    assert refusal(connection, reply) == Refusal(reason="suppressed")
    assert refusal(connection, replace(TO_ANN, address="ann2@x.example")) is None


def test_a_touch_expires_at_its_moment(connection: sa.Connection) -> None:
    assert refusal(connection, replace(TO_ANN, expires_at=NOW + TICK)) is None
    assert refusal(connection, replace(TO_ANN, expires_at=NOW)) == Refusal(reason="expired")


def test_a_touch_that_was_ended_stays_so_with_its_reason(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    assert refusal(connection) is None
    touch.outbid(connection, [TEA.touch_id], winner="w", at=NOW)
    assert refusal(connection) == Refusal(reason="outbid:w")


def test_a_touch_that_was_sent_may_be_sent_on_another_channel(connection: sa.Connection) -> None:
    touch.plan(connection, [TEA], now=NOW)
    touch.sent(connection, TEA.touch_id, at=NOW)
    assert refusal(connection) is None


def test_of_two_ids_of_one_person_one_takes_the_step(connection: sa.Connection) -> None:
    contacted(connection, "old", flow="tea", address="old@x.example")
    assert refusal(connection) is None
    join(connection, "old", "ann")
    assert refusal(connection) == Refusal(reason="same_person")


def test_of_two_customers_at_one_address_one_takes_the_step(connection: sa.Connection) -> None:
    contacted(connection, "bob", flow="tea", address="ann@x.example")
    assert refusal(connection) == Refusal(reason="same_address")


CAP = ContactLimits(caps=(Cap(messages=2, days=7),), quiet_from=time(0), quiet_until=time(0))


def test_a_cap_forbids_from_its_number_on(connection: sa.Connection) -> None:
    contacted(connection, flow="a")
    assert refusal(connection, limits=CAP) is None
    contacted(connection, flow="b")
    assert refusal(connection, limits=CAP) == Refusal(reason="cap:all:2/7d")


def test_a_contact_leaves_its_window_after_the_last_day_to_the_microsecond(connection: sa.Connection) -> None:
    contacted(connection, flow="a", at=NOW)
    contacted(connection, flow="b", at=NOW - 7 * DAY + TICK)
    assert refusal(connection, limits=CAP) == Refusal(reason="cap:all:2/7d")
    assert refusal(connection, limits=CAP, now=NOW + TICK) is None


def test_a_shorter_window_is_counted_by_its_own_length(connection: sa.Connection) -> None:
    limits = replace(CAP, caps=(Cap(messages=1, days=1), Cap(messages=3, days=30)))
    contacted(connection, flow="a", at=NOW - DAY)
    contacted(connection, flow="b", at=NOW - 29 * DAY)
    assert refusal(connection, limits=limits) is None
    contacted(connection, flow="c", at=NOW - 30 * DAY + TICK)
    assert refusal(connection, limits=limits) == Refusal(reason="cap:all:3/30d")


def test_contacts_under_all_ids_of_the_person_count(connection: sa.Connection) -> None:
    contacted(connection, flow="a")
    contacted(connection, "old", flow="b")
    assert refusal(connection, limits=CAP) is None
    join(connection, "old", "ann")
    assert refusal(connection, limits=CAP) == Refusal(reason="cap:all:2/7d")


def test_contacts_of_others_at_the_address_count(connection: sa.Connection) -> None:
    contacted(connection, "bob", flow="a", address="ann@x.example")
    assert refusal(connection, limits=CAP) is None
    contacted(connection, "carl", flow="b", address="ann@x.example")
    assert refusal(connection, limits=CAP) == Refusal(reason="cap:all:2/7d")
    assert refusal(connection, replace(TO_ANN, address="ann2@x.example"), limits=CAP) is None


def test_one_contact_of_the_person_and_one_at_the_address_are_one_for_each(connection: sa.Connection) -> None:
    contacted(connection, flow="a", address="before@x.example")
    contacted(connection, "bob", flow="b", address="ann@x.example")
    assert refusal(connection, limits=CAP) is None


def test_a_cap_of_a_channel_counts_that_channel_only(connection: sa.Connection) -> None:
    limits = replace(CAP, caps=(Cap(messages=1, days=7, channel="email"), Cap(messages=1, days=7, channel="sms")))
    contacted(connection, channel="sms", address="+491")
    assert refusal(connection, limits=limits) is None
    contacted(connection)
    assert refusal(connection, limits=limits) == Refusal(reason="cap:email:1/7d")


def test_a_touch_that_is_tried_again_does_not_count_itself(connection: sa.Connection) -> None:
    contacts.record(connection, [(TEA, "ann@x.example")], channel="email", at=NOW)
    limits = replace(CAP, caps=(Cap(messages=1, days=7),))
    assert refusal(connection, limits=limits) is None


def test_at_a_quiet_hour_a_touch_waits_until_it_ends_in_the_customers_zone(connection: sa.Connection) -> None:
    limits = replace(OPEN, quiet_from=time(21), quiet_until=time(9))
    assert refusal(connection, limits=limits) is None
    tokyo = replace(TO_ANN, time_zone="Asia/Tokyo")  # nine in the evening
    assert refusal(connection, tokyo, limits=limits) == Refusal(
        reason="quiet_hours", retry_at=NOW + timedelta(hours=12)
    )
    assert refusal(connection, tokyo, limits=limits, now=NOW - TICK) is None


def test_who_has_refused_personalisation_gets_no_personalised_message(connection: sa.Connection) -> None:
    personal = replace(TO_ANN, personalised=True)
    assert refusal(connection, personal) is None
    agree(connection, "ann", channel="*", purpose="personalisation", granted=False, text="")
    assert refusal(connection, personal) == Refusal(reason=permit.PERSONALISATION_REFUSED)
    assert refusal(connection) is None


def test_all_ids_of_the_person_and_the_address_are_locked(connection: sa.Connection) -> None:
    join(connection, "old", "ann")
    old = replace(TO_ANN, touch=replace(TEA, customer_id="old"))
    assert permit.hold(connection, [old]) == [["ann", "old"]]
    assert permit.keys(["ann", "old"], old) == ["person:ann", "person:old", "address:email:ann@x.example"]


def to(customer_id: str, address: str) -> Approach:
    return Approach(touch=replace(TEA, customer_id=customer_id), channel="email", address=address)


def test_of_several_as_many_are_taken_together_as_share_neither_person_nor_address(connection: sa.Connection) -> None:
    join(connection, "old", "ann")
    ann, bob, old, home = to("ann", "a@x"), to("bob", "b@x"), to("old", "c@x"), to("carl", "B@x")
    assert permit.hold(connection, [ann, bob]) == [["ann", "old"], ["bob"]]
    assert permit.hold(connection, [ann, bob, old]) == [["ann", "old"], ["bob"]]
    assert permit.hold(connection, [bob, home, ann]) == [["bob"]]


def test_what_forbids_one_of_several_forbids_the_others_nothing(connection: sa.Connection) -> None:
    for who in ("bob", "carl", "dora"):
        agree(connection, who)
    contacts.suppress(connection, channel="email", address="bob@x", reason="550", at=NOW)
    for flow in ("a", "b"):
        contacted(connection, "carl", flow=flow)
    approaches = [
        to("ann", "ann@x"),
        to("bob", "bob@x"),
        to("carl", "carl@x"),
        to("dora", "dora@x"),
        to("eve", "eve@x"),
    ]
    members = permit.hold(connection, approaches)
    rules = Rules(limits=CAP, time_zone="UTC")
    assert permit.refusals(connection, approaches, members, rules=rules, now=NOW) == [
        None,
        Refusal(reason="suppressed"),
        Refusal(reason="cap:all:2/7d"),
        None,
        Refusal(reason="no_consent"),
    ]


def test_locks_have_two_integers_each_and_keys_have_their_own() -> None:
    found = [locks.numbers(key) for key in ("person:ann", "person:bob", "address:email:ann")]
    assert len(set(found)) == 3
    assert all(-(2**31) <= number < 2**31 for pair in found for number in pair)
