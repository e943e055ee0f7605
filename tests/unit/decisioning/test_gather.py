"""What is known of how customers may be reached: consents, addresses, suppression and caps of the person and the address."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zhanggui.decisioning.eligibility import Reach, gather
from zhanggui.events.event import Event
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database
from zhanggui.touches import Cap, ContactLimits, contacts
from zhanggui.touches.touch import Touch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
LIMITS = ContactLimits(caps=(Cap(messages=2, days=7), Cap(messages=1, days=1, channel="sms")))


class Shop:
    """What customers said and got, in a database of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def knows(self, who: str, at: datetime = NOW - 30 * DAY, **fields: Any) -> None:
        event = {"type": "identify", "message_id": who, "timestamp": at, "received_at": at, "user_id": who} | fields
        with self.database.transaction() as connection:
            identity.apply(connection, identity.learn([Event(**event)]))

    def agrees(self, *who: str, yes: bool = True, channel: str = "email", at: datetime = NOW - 20 * DAY) -> None:
        purpose: Any = "personalisation" if channel == "*" else "marketing"
        said = [
            Consent(customer_id=one, channel=channel, purpose=purpose, granted=yes, at=at, how="form", text="Yes.")
            for one in who
        ]
        with self.database.transaction() as connection:
            consent.record(connection, said, now=max(at, NOW))

    def wrote(self, who: str, *, at: datetime, flow: str, channel: str = "email", **fields: Any) -> None:
        address = fields.pop("address", f"{who}@x.example")
        touch = Touch(customer_id=who, flow=flow, **fields)
        with self.database.transaction() as connection:
            contacts.record(connection, [(touch, address)], channel=channel, at=at)

    def reach(
        self, *who: str, channels: tuple[str, ...] = ("email",), **more: Any
    ) -> tuple[dict[str, Reach], list[bool]]:
        arguments = {"limits": LIMITS, "now": NOW, "consented_at": NOW} | more
        with self.database.reading() as connection:
            found, personalised = gather(connection, who, channels, **arguments)
        return found, personalised.tolist()

    def email(self, *who: str, **more: Any) -> Reach:
        return self.reach(*who, **more)[0]["email"]


@pytest.fixture
def shop(database: Database) -> Shop:
    """Ann, Bob and Cem with a mailbox each, all of whom agree."""
    shop = Shop(database)
    for who in ("ann", "bob", "cem"):
        shop.knows(
            who, traits={"email": f"{who.title()}@x.example", "phone": "+8613800138000" if who == "ann" else None}
        )
    shop.agrees("ann", "bob", "cem")
    return shop


def test_who_agrees_and_has_an_address_is_reached(shop: Shop) -> None:
    found = shop.email("cem", "zoe", "ann")
    assert found.addresses == ["Cem@x.example", None, "Ann@x.example"]
    assert found.consented.tolist() == [True, False, True]
    assert found.suppressed.tolist() == [False] * 3
    assert {code: mask.tolist() for code, mask in found.capped.items()} == {"cap:all:2/7d": [False] * 3}
    assert found.same_address.tolist() == [False] * 3
    assert found.taken == {"cem@x.example", "ann@x.example"}


def test_each_channel_has_its_own_addresses_consents_and_caps(shop: Shop) -> None:
    shop.agrees("ann", channel="sms")
    shop.wrote("ann", at=NOW, flow="one", channel="sms", address="+8613800138000")
    found, _ = shop.reach("ann", "bob", channels=("email", "sms"))
    assert found["sms"].addresses == ["+8613800138000", None]
    assert found["sms"].consented.tolist() == [True, False]
    assert {code: mask.tolist() for code, mask in found["sms"].capped.items()} == {
        "cap:all:2/7d": [False, False],
        "cap:sms:1/1d": [True, False],
    }
    assert list(found["email"].capped) == ["cap:all:2/7d"]


def test_a_consent_counts_as_of_its_own_moment(shop: Shop) -> None:
    shop.agrees("ann", yes=False, at=NOW - DAY)
    shop.agrees("ann", at=NOW)
    assert shop.email("ann").consented.tolist() == [True]
    assert shop.email("ann", consented_at=NOW - TICK).consented.tolist() == [False]


def test_a_withdrawal_at_the_mailbox_holds_for_who_is_reached_there(shop: Shop) -> None:
    shop.knows("dia", traits={"email": "ANN@x.example"})
    shop.agrees("dia", yes=False, at=NOW - DAY)
    assert shop.email("ann", "bob").consented.tolist() == [False, True]


def test_who_is_suppressed_is_so_however_the_address_is_written(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        contacts.suppress(connection, channel="email", address="bob@X.example", reason="550", at=NOW)
    found = shop.email("ann", "bob", "zoe")
    assert found.suppressed.tolist() == [False, True, False]
    assert found.taken == {"ann@x.example"}


@pytest.mark.parametrize(
    ("at", "capped"),
    [(NOW - 7 * DAY, False), (NOW - 7 * DAY + TICK, True), (NOW, True), (NOW + TICK, False)],
)
def test_caps_hold_when_deciding_from_their_number_on_and_within_their_window(
    shop: Shop, at: datetime, capped: bool
) -> None:
    shop.wrote("ann", at=NOW - DAY, flow="one")
    shop.wrote("ann", at=at, flow="two")
    found = shop.email("ann", "bob")
    assert found.capped["cap:all:2/7d"].tolist() == [capped, False]
    assert found.taken == ({"bob@x.example"} if capped else {"ann@x.example", "bob@x.example"})


def test_contacts_under_every_id_of_the_person_count_together(shop: Shop) -> None:
    shop.knows("ann", type="alias", previous_id="old", traits={})
    shop.wrote("old", at=NOW - DAY, flow="one", address="elsewhere@x.example")
    shop.wrote("ann", at=NOW - DAY, flow="two", address="elsewhere@x.example")
    assert shop.email("ann", "old", "bob").capped["cap:all:2/7d"].tolist() == [True, True, False]


def test_contacts_of_others_at_the_mailbox_count(shop: Shop) -> None:
    for flow in ("one", "two"):
        shop.wrote("stranger", at=NOW - DAY, flow=flow, address="ann@X.example")
    assert shop.email("ann", "bob", "zoe").capped["cap:all:2/7d"].tolist() == [True, False, False]


def test_one_contact_of_the_person_and_another_at_the_mailbox_are_one_for_each(shop: Shop) -> None:
    shop.wrote("stranger", at=NOW - DAY, flow="one", address="ann@x.example")
    shop.wrote("ann", at=NOW - DAY, flow="two", address="elsewhere@x.example")
    assert shop.email("ann").capped["cap:all:2/7d"].tolist() == [False]


def test_a_cap_of_one_channel_does_not_count_another(shop: Shop) -> None:
    shop.agrees("ann", channel="sms")
    for flow in ("one", "two"):
        shop.wrote("ann", at=NOW, flow=flow)
    found, _ = shop.reach("ann", channels=("sms",))
    assert {code: mask.tolist() for code, mask in found["sms"].capped.items()} == {
        "cap:all:2/7d": [True],
        "cap:sms:1/1d": [False],
    }


def test_a_message_that_is_no_marketing_counts_for_no_cap(shop: Shop) -> None:
    for flow in ("one", "two", "three"):
        shop.wrote("ann", at=NOW, flow=flow, purpose="service")
    assert shop.email("ann").capped["cap:all:2/7d"].tolist() == [False]


def test_of_several_at_one_mailbox_the_smallest_id_who_may_be_contacted_is_decided(shop: Shop) -> None:
    for who in ("bea", "dia"):
        shop.knows(who, traits={"email": "bob@X.example"})
    shop.agrees("dia")
    found = shop.email("dia", "bob", "bea", "cem")
    assert found.same_address.tolist() == [True, False, False, False]
    shop.agrees("bea")
    assert shop.email("dia", "bob", "bea", "cem").same_address.tolist() == [True, True, False, False]


def test_a_mailbox_that_was_found_in_an_earlier_batch_is_taken(shop: Shop) -> None:
    found = shop.email("ann", "bob", taken={"email": frozenset({"bob@x.example"}), "sms": frozenset({"ann@x.example"})})
    assert found.same_address.tolist() == [False, True]
    assert found.taken == {"ann@x.example", "bob@x.example"}


def test_who_refused_personalisation_is_told(shop: Shop) -> None:
    shop.agrees("bob", yes=False, channel="*", at=NOW)
    assert shop.reach("ann", "bob", "zoe")[1] == [True, False, True]
    assert shop.reach("ann", "bob", consented_at=NOW + DAY)[1] == [True, False]
