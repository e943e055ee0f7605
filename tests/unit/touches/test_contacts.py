"""Contacts by touch and channel: counted for the person and for the address, each at its boundary."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zhanggui.storage import Database
from zhanggui.touches import contacts
from zhanggui.touches.contacts import Contact
from zhanggui.touches.touch import Touch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
TEA = Touch(customer_id="ann", flow="tea")


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        yield connection


def contacted(connection: sa.Connection, planned: Touch = TEA, **given: object) -> None:
    shared = {"channel": "email", "at": NOW} | given
    address = str(shared.pop("address", f"{planned.customer_id}@x.example"))
    contacts.record(connection, [(planned, address)], **shared)  # type: ignore[arg-type]


def of_ann(connection: sa.Connection, since: datetime = NOW - DAY, until: datetime = NOW) -> list[Contact]:
    return contacts.of_customers(connection, ["ann"], since=since, until=until)


def test_a_contact_is_kept_with_its_normalised_address(connection: sa.Connection) -> None:
    contacted(connection, address=" Ann@X.Example")
    assert of_ann(connection) == [
        Contact(touch_id=TEA.touch_id, channel="email", customer_id="ann", address="ann@x.example", at=NOW)
    ]
    assert contacts.at_addresses(connection, "email", ["ann@x.example"], since=NOW - DAY, until=NOW) == of_ann(
        connection
    )


def test_the_same_touch_again_is_one_contact_at_its_latest_moment(connection: sa.Connection) -> None:
    contacted(connection)
    contacted(connection, at=NOW + DAY)
    assert [contact.at for contact in of_ann(connection, until=NOW + DAY)] == [NOW + DAY]
    contacted(connection, channel="sms", address="+49 1")
    assert len(of_ann(connection, until=NOW + DAY)) == 2


def test_a_contact_counts_after_the_beginning_of_a_window_and_up_to_its_end(connection: sa.Connection) -> None:
    contacted(connection)
    assert of_ann(connection, since=NOW) == []
    assert len(of_ann(connection, since=NOW - TICK)) == 1
    assert len(of_ann(connection, until=NOW)) == 1
    assert of_ann(connection, until=NOW - TICK) == []
    for since, until, count in ((NOW, NOW, {}), (NOW - TICK, NOW, {"ann": 1}), (NOW - DAY, NOW - TICK, {})):
        assert contacts.counts(connection, ["ann"], since=since, until=until) == count


@pytest.mark.parametrize("purpose", ["reply", "service"])
def test_only_marketing_counts(connection: sa.Connection, purpose: str) -> None:
    contacted(connection, replace(TEA, purpose=purpose))  # type: ignore[arg-type]
    assert of_ann(connection) == []
    assert contacts.counts(connection, ["ann"], since=NOW - DAY, until=NOW) == {}
    assert contacts.counts_at(connection, "email", ["ann@x.example"], since=NOW - DAY, until=NOW) == {}
    assert connection.scalars(sa.select(contacts.contacts.c.purpose)).all() == [purpose]


def test_contacts_of_others_and_at_other_addresses_are_not_counted(connection: sa.Connection) -> None:
    contacted(connection)
    contacted(connection, replace(TEA, customer_id="bob"))
    assert contacts.counts(connection, ["ann", "carl"], since=NOW - DAY, until=NOW) == {"ann": 1}
    at = contacts.counts_at(connection, "email", ["bob@x.example", "c@x.example"], since=NOW - DAY, until=NOW)
    assert at == {"bob@x.example": 1}
    assert contacts.counts_at(connection, "sms", ["bob@x.example"], since=NOW - DAY, until=NOW) == {}
    assert contacts.at_addresses(connection, "sms", ["bob@x.example"], since=NOW - DAY, until=NOW) == []


def test_a_channel_is_counted_alone_where_it_is_named(connection: sa.Connection) -> None:
    contacted(connection)
    contacted(connection, channel="sms")
    assert contacts.counts(connection, ["ann"], since=NOW - DAY, until=NOW) == {"ann": 2}
    assert contacts.counts(connection, ["ann"], since=NOW - DAY, until=NOW, channel="sms") == {"ann": 1}


def test_many_customers_are_counted_in_parts(connection: sa.Connection) -> None:
    contacted(connection, replace(TEA, customer_id="c5000"))
    many = [f"c{number}" for number in range(5_001)]
    assert contacts.counts(connection, many, since=NOW - DAY, until=NOW) == {"c5000": 1}
    assert len(contacts.of_customers(connection, many, since=NOW - DAY, until=NOW)) == 1


def test_a_forgotten_contact_is_gone_on_its_channel_only(connection: sa.Connection) -> None:
    contacted(connection)
    contacted(connection, channel="sms")
    contacted(connection, replace(TEA, flow="cups"))
    contacts.forget(connection, [TEA.touch_id], channel="email")
    assert {(contact.touch_id, contact.channel) for contact in of_ann(connection)} == {
        (TEA.touch_id, "sms"),
        (replace(TEA, flow="cups").touch_id, "email"),
    }


def test_touches_that_led_to_a_contact_are_told_from_others(connection: sa.Connection) -> None:
    contacted(connection, replace(TEA, purpose="reply"), at=NOW - 900 * DAY)
    assert contacts.contacted(connection, [TEA.touch_id, "other"]) == {TEA.touch_id}
    assert contacts.contacted(connection, ["other"]) == contacts.contacted(connection, []) == set()


def test_contacts_at_an_address_are_told_whatever_their_age_and_purpose(connection: sa.Connection) -> None:
    contacted(connection, replace(TEA, purpose="reply"), at=NOW - 900 * DAY)
    contacted(connection, replace(TEA, customer_id="bob"), address="ann@x.example", channel="sms")
    contacted(connection, replace(TEA, customer_id="carl"))
    assert [one.customer_id for one in contacts.ever_at(connection, "email", ["ann@x.example"])] == ["ann"]
