"""Who is who: what events teach of ids, devices and addresses, and what a public key cannot teach."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.events.event import Event
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.profiles.identity_tables import device_links

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def event(kind: Any, hours: float = 0, **fields: Any) -> Event:
    return Event(message_id="m", type=kind, timestamp=at(hours), received_at=at(hours), **fields)


def hello(
    user_id: str | None, hours: float = 0, *, on: str | None = None, trust: Any = "server", **traits: Any
) -> Event:
    return event("identify", hours, user_id=user_id, anonymous_id=on, traits=traits, trust=trust)


def alias(old: str, new: str, hours: float = 0, trust: Any = "server") -> Event:
    return event("alias", hours, user_id=new, previous_id=old, trust=trust)


def learn(connection: sa.Connection, *events: Event) -> None:
    for one in events:
        identity.apply(connection, identity.learn([one]))


def person(connection: sa.Connection, customer_id: str) -> str:
    return identity.persons_of(connection, [customer_id])[customer_id]


def reached(connection: sa.Connection, customer_id: str, channel: str = "email") -> str | None:
    return identity.addresses(connection, [customer_id], channel).get(customer_id)


def spans(connection: sa.Connection, device: str = "dev") -> list[tuple[float, float, str]]:
    """Whose the device is: after and until in hours since NOW."""

    def hours(us: int) -> float:
        return (us / 1e6 - NOW.timestamp()) / 3600

    return [
        (hours(row["after"]), hours(row["until"]), row["owner"])
        for row in identity.resolve(connection).devices.to_pylist()
        if row["device"] == device
    ]


# Aliases


def test_ids_follow_aliases_to_one_person_and_know_each_other(connection: sa.Connection) -> None:
    learn(connection, alias("a", "b"), alias("b", "c", 1), alias("x", "y"))
    assert identity.persons_of(connection, ["a", "b", "c", "z"]) == {"a": "c", "b": "c", "c": "c", "z": "z"}
    assert identity.members_of(connection, ["c", "y", "z"]) == {"c": ["a", "b", "c"], "y": ["x", "y"], "z": ["z"]}
    assert identity.resolve(connection).persons.to_pylist() == [
        {"from_id": one, "person_id": end} for one, end in (("a", "c"), ("b", "c"), ("x", "y"))
    ]


def test_who_joins_a_chain_in_its_middle_is_at_its_end(connection: sa.Connection) -> None:
    learn(connection, alias("a", "b"), alias("b", "c", 1), alias("z", "a", 2))
    assert identity.persons_of(connection, ["z", "a", "b"]) == {"z": "c", "a": "c", "b": "c"}


def test_the_latest_alias_of_an_id_holds_whenever_it_is_learned(connection: sa.Connection) -> None:
    learn(connection, alias("a", "new", 2), alias("a", "old", 1))
    assert person(connection, "a") == "new"
    learn(connection, alias("a", "newer", 3))
    assert identity.members_of(connection, ["new", "newer"]) == {"new": ["new"], "newer": ["a", "newer"]}


def test_of_two_aliases_at_one_moment_the_same_holds_in_either_order(connection: sa.Connection) -> None:
    learn(connection, alias("a", "b"), alias("a", "c"), alias("x", "c"), alias("x", "b"))
    assert {person(connection, one) for one in ("a", "x")} == {"c"}
    identity.apply(connection, identity.learn([alias("y", "c"), alias("y", "b")]))
    assert person(connection, "y") == "c"


def test_a_circle_comes_out_alike_in_whichever_order_it_is_learned(connection: sa.Connection) -> None:
    circle = [alias("a", "b", 1), alias("b", "c", 2), alias("c", "a", 3), alias("t", "b", 0)]
    learn(connection, *circle)
    before = identity.persons_of(connection, "abct")
    assert set(before.values()) == {"a"}
    for name in ("identities", "persons"):
        connection.execute(sa.text(f"DELETE FROM {name}"))
    learn(connection, *random.Random(3).sample(circle, 4))
    assert identity.persons_of(connection, "abct") == before


def test_an_alias_to_oneself_is_none(connection: sa.Connection) -> None:
    learn(connection, alias("a", "a"))
    assert identity.members_of(connection, ["a"]) == {"a": ["a"]}


# Devices


def test_a_device_belongs_to_who_is_known_there_next_and_at_the_end_to_the_last(connection: sa.Connection) -> None:
    learn(connection, hello("b", 1, on="dev"), event("track", 5, user_id="c", anonymous_id="dev"))
    (first, until, owner), (after, last, then) = spans(connection)
    assert (until, owner, after, then) == (1, "b", 1, "c")
    assert first < -1e6
    assert last > 1e6
    assert identity.find(connection, "dev") == "c"
    assert identity.find(connection, "nobody") == "nobody"
    learn(connection, hello("b", 3, on="dev"))  # known there again: the span of b is longer
    assert [(until, owner) for _, until, owner in spans(connection)] == [(3, "b"), (last, "c")]
    assert [after for after, _, _ in spans(connection)] == [first, 3]


def test_who_was_known_last_is_who_is_found_behind_a_device(connection: sa.Connection) -> None:
    learn(
        connection, hello("z", 3, on="dev"), hello("b", 5, on="dev"), hello("a", 5, on="dev"), hello("c", 4, on="dev")
    )
    assert identity.find(connection, "dev") == "a"
    learn(connection, alias("a", "ann", 6), alias("dev", "z", 7))
    assert identity.find(connection, "dev") == "z"
    assert identity.find(connection, "a") == "ann"
    learn(connection, hello("a", on="two"))
    assert identity.find(connection, "two") == "ann"


def test_of_two_known_on_a_device_at_one_moment_the_shops_own_word_counts(connection: sa.Connection) -> None:
    learn(connection, hello("a", 1, on="dev", trust="write"), hello("b", 1, on="dev"), hello("c", 1, on="dev"))
    assert [owner for _, _, owner in spans(connection)] == ["b"]


def test_the_owners_of_a_device_are_persons(connection: sa.Connection) -> None:
    learn(connection, hello("old", 1, on="dev"), hello("new", 2, on="dev"), alias("old", "new", 3))
    assert [owner for _, _, owner in spans(connection)] == ["new"]
    assert identity.device_owners(connection, ["new"]) == {"dev": {"new": True}}
    learn(connection, hello("eve", 3, on="dev", trust="write"))
    assert identity.device_owners(connection, ["dev"]) == {"dev": {"new": True, "eve": False}}
    assert identity.device_owners(connection, ["nobody"]) == {}


def test_links_within_an_hour_are_kept_by_the_first_and_the_last_in_whatever_order(connection: sa.Connection) -> None:
    minutes = [0, 10, 20, 30, 59, 60, 75]
    for minute in random.Random(1).sample(minutes, len(minutes)):
        learn(connection, event("track", minute / 60, user_id="b", anonymous_id="dev"))
    learn(connection, event("track", 0.5, user_id="c", anonymous_id="dev"))
    known = connection.execute(sa.select(device_links.c.since, device_links.c.customer_id)).fetchall()
    kept = sorted((round((since - NOW).total_seconds() / 60), who) for since, who in known)
    assert kept == [(0, "b"), (30, "c"), (59, "b"), (60, "b"), (75, "b")]
    assert [owner for _, _, owner in spans(connection)] == ["b", "c", "b"]


def test_a_customers_own_id_is_no_device(connection: sa.Connection) -> None:
    learn(connection, hello("a", on="a"))
    assert spans(connection, "a") == []


# Addresses


def test_the_latest_address_holds_whenever_it_is_learned(connection: sa.Connection) -> None:
    learn(connection, hello("a", 2, email="new@x.example"), hello("a", 1, email="old@x.example"))
    assert reached(connection, "a") == "new@x.example"
    learn(connection, hello("a", 2, email="also@x.example"))
    assert reached(connection, "a") == "also@x.example"
    assert reached(connection, "a", "sms") is None


def test_an_address_known_under_an_old_id_only_is_the_persons(connection: sa.Connection) -> None:
    learn(connection, hello("guest", 1, email=" Ann@X.example "), alias("guest", "ann", 2))
    assert identity.addresses(connection, ["ann", "guest", "z"], "email") == dict.fromkeys(
        ["ann", "guest"], "Ann@X.example"
    )
    assert identity.customers_at(connection, "email", "ann@x.example") == ["ann"]
    learn(connection, hello("ann", 0, email="older@x.example"))
    assert reached(connection, "ann") == "Ann@X.example"
    learn(connection, hello("ann", 3, email="newer@x.example"))
    assert identity.customers_at(connection, "email", "ann@x.example") == []
    assert identity.customers_at(connection, "sms", "newer@x.example") == []


def test_null_takes_an_address_back_in_its_time(connection: sa.Connection) -> None:
    learn(connection, hello("a", 1, email="a@x.example", phone="1"), hello("a", 2, email=None))
    assert (reached(connection, "a"), reached(connection, "a", "sms")) == (None, "1")
    learn(connection, hello("a", 1.5, email="late@x.example"))
    assert reached(connection, "a") is None
    learn(connection, hello("a", 3, email="back@x.example"))
    assert reached(connection, "a") == "back@x.example"


@pytest.mark.parametrize(
    ("phone", "address"),
    [(13800138000, "13800138000"), (13800138000.0, "13800138000"), ("+86 138", "+86 138"), (10**15 - 1, "9" * 15)],
)
def test_a_number_without_quotes_is_a_telephone_number(connection: sa.Connection, phone: Any, address: str) -> None:
    learn(connection, hello("a", phone=phone))
    assert reached(connection, "a", "sms") == address


@pytest.mark.parametrize(
    "nothing",
    ["", "  ", "undefined", "NULL", 0, -5, 1.5, True, 10**15, ["a"], {"a": 1}, "a\x07b", "x" * 513, "[object Object]"],
)
def test_what_is_no_address_changes_none(connection: sa.Connection, nothing: Any) -> None:
    learn(connection, hello("a", 1, phone="1"), hello("a", 2, phone=nothing))
    assert reached(connection, "a", "sms") == "1"


def test_other_events_teach_no_address(connection: sa.Connection) -> None:
    learn(connection, event("track", user_id="a", traits={"email": "a@x.example"}))
    assert reached(connection, "a") is None
    learn(connection, hello("a", webhook="https://x.example/a"))
    assert reached(connection, "a", "webhook") == "https://x.example/a"


# Contacts


def test_an_email_without_a_customer_makes_a_contact(connection: sa.Connection) -> None:
    learn(connection, hello(None, on="dev", email="News@X.example"))
    assert reached(connection, "email:news@x.example") == "News@X.example"
    assert [owner for _, _, owner in spans(connection)] == ["email:news@x.example"]
    learn(connection, hello(None, on="other", email="no address"), hello(None, on="third", email=5))
    assert spans(connection, "other") == spans(connection, "third") == []


def test_a_contact_is_the_customer_who_is_known_there_next(connection: sa.Connection) -> None:
    learn(connection, hello(None, 1, on="dev", email="n@x.example"), hello("u", 3, on="dev"), hello("v", 2, on="dev"))
    # The first one learned holds: what is joined stays joined.
    assert person(connection, "email:n@x.example") == "u"
    assert reached(connection, "u") == "n@x.example"
    learn(connection, hello("w", 0, on="two"), hello(None, 1, on="two", email="w@x.example"))
    assert person(connection, "email:w@x.example") == "email:w@x.example"


@pytest.mark.parametrize("late", [False, True])
def test_a_contact_is_the_customer_whom_an_alias_makes_the_device(connection: sa.Connection, late: bool) -> None:
    told = [hello(None, 1, on="dev", email="n@x.example"), alias("dev", "nel", 2)]
    learn(connection, *(reversed(told) if late else told))
    assert person(connection, "email:n@x.example") == "nel"
    assert reached(connection, "nel") == "n@x.example"
    assert {owner for _, _, owner in spans(connection)} == {"nel"}


def test_an_alias_of_before_makes_nobody_of_a_contact(connection: sa.Connection) -> None:
    learn(connection, alias("dev", "nel", 1), hello(None, 2, on="dev", email="n@x.example"))
    assert person(connection, "email:n@x.example") == "email:n@x.example"


def test_a_customer_with_another_mailbox_is_not_the_contact(connection: sa.Connection) -> None:
    learn(connection, hello("bob", 0, email="bob@x.example"))
    learn(connection, hello(None, 1, on="dev", email="nel@x.example"), hello("bob", 2, on="dev"))
    assert person(connection, "email:nel@x.example") == "email:nel@x.example"
    learn(connection, hello(None, 1, on="two", email="BOB@x.example"), hello("bob", 2, on="two"))
    assert person(connection, "email:bob@x.example") == "bob"


def test_a_customers_own_address_counts_before_that_of_a_contact(connection: sa.Connection) -> None:
    learn(connection, hello(None, 5, on="dev", email="n@x.example"), hello("u", 6, on="dev"))
    learn(connection, hello("u", 1, email="u@x.example"))
    assert reached(connection, "u") == "u@x.example"


def test_through_a_public_key_a_contact_becomes_nobody(connection: sa.Connection) -> None:
    said = hello(None, 1, on="dev", email="n@x.example")
    learn(connection, said, hello("eve", 2, on="dev", trust="write"))
    assert person(connection, "email:n@x.example") == "email:n@x.example"
    learn(connection, hello(None, 1, on="two", email="m@x.example", trust="write"), hello("eve", 2, on="two"))
    assert person(connection, "email:m@x.example") == "email:m@x.example"


# Public keys


def test_a_public_key_joins_no_customers_and_its_alias_links_a_device(connection: sa.Connection) -> None:
    learn(connection, alias("victim", "eve", trust="write"), hello("eve", on="victim", trust="write"))
    assert (person(connection, "victim"), person(connection, "eve")) == ("victim", "eve")
    learn(connection, alias("a1", "ann", trust="write"), alias("b1", "bob", trust="file"))
    assert [owner for _, _, owner in spans(connection, "a1")] == ["ann"]
    assert person(connection, "b1") == "bob"


@pytest.mark.parametrize("named", [{"email": "v@x.example"}, {"on": "own"}], ids=["by address", "on a device"])
@pytest.mark.parametrize("trust", ["server", "file"])
def test_a_public_key_makes_no_device_of_a_customer_whom_the_shop_knows(
    connection: sa.Connection, named: dict[str, str], trust: Any
) -> None:
    learn(connection, hello("victim", trust=trust, **named))
    learn(connection, hello("eve", 1, on="victim", trust="write"), alias("victim", "eve", 2, trust="write"))
    assert identity.find(connection, "victim") == "victim"
    assert "victim" not in identity.device_owners(connection, ["victim", "eve"])
    learn(connection, hello("ann", 3, on="victim", trust=trust))
    assert identity.find(connection, "victim") == "ann"
    assert identity.device_owners(connection, ["victim"])["victim"] == {"ann": True}


def test_what_only_a_public_key_has_named_may_be_a_device(connection: sa.Connection) -> None:
    learn(connection, hello("guest", email="g@x.example", on="phone", trust="write"))
    learn(connection, hello("ann", 1, on="guest", trust="write"))
    assert identity.find(connection, "guest") == "ann"
    assert identity.device_owners(connection, ["guest"])["guest"] == {"ann": False}


def test_a_public_key_gives_an_address_and_takes_none(connection: sa.Connection) -> None:
    learn(
        connection, hello("a", 1, email="a@x.example", trust="write"), hello("a", 2, email="b@x.example", trust="write")
    )
    assert reached(connection, "a") == "b@x.example"
    learn(connection, hello("a", 3, email=None, trust="write"), hello("a", 1.5, email="c@x.example", trust="write"))
    assert reached(connection, "a") == "b@x.example"


@pytest.mark.parametrize("trust", ["server", "file"])
def test_a_public_key_does_not_change_what_the_shop_knows(connection: sa.Connection, trust: Any) -> None:
    learn(connection, hello("guest", 1, email="a@x.example", trust=trust), alias("guest", "a", 1))
    learn(connection, hello("a", 2, email="eve@x.example", phone="1", trust="write"))
    assert (reached(connection, "a"), reached(connection, "a", "sms")) == ("a@x.example", "1")
    learn(connection, hello("guest", 3, email=None, trust=trust), hello("a", 4, email="eve@x.example", trust="write"))
    assert reached(connection, "a") is None


def test_what_the_shop_says_counts_before_what_a_public_key_said_later(connection: sa.Connection) -> None:
    learn(connection, hello("a", 5, email="eve@x.example", trust="write"), hello("a", 1, email="a@x.example"))
    assert reached(connection, "a") == "a@x.example"
    learn(connection, hello("b", 5, email="eve@x.example", trust="write"), hello("b0", 1, email="b@x.example"))
    learn(connection, alias("b0", "b", 6))
    assert reached(connection, "b") == "b@x.example"


@pytest.mark.parametrize("granted", [True, False])
def test_a_public_key_does_not_redirect_who_consented(connection: sa.Connection, granted: bool) -> None:
    learn(connection, hello("old", 1, email="a@x.example", trust="write"), alias("old", "a", 1))
    said = Consent(customer_id="old", channel="sms", purpose="marketing", granted=granted, at=NOW, how="f", text="t")
    consent.record(connection, [said], now=NOW)
    learn(connection, hello("a", 2, email="eve@x.example", trust="write"))
    assert reached(connection, "a") == ("a@x.example" if granted else "eve@x.example")
    learn(connection, hello("a", 3, phone="1", trust="write"))  # the first address of a channel redirects nothing
    learn(connection, hello("old", 4, email="A@X.example", trust="write"))  # the same mailbox
    assert reached(connection, "a", "sms") == "1"
    assert reached(connection, "a") == "A@X.example"


def test_rows_of_the_log_teach_the_same_as_events(connection: sa.Connection) -> None:
    row = {"type": "identify", "timestamp": NOW, "user_id": "a", "anonymous_id": "dev", "previous_id": None}
    body = '{"traits": {"email": "a@x.example"}}'
    for trust in ("write", "server"):
        said = hello("a", on="dev", email="a@x.example", trust=trust)
        assert identity.learn_rows([row | {"body": body, "trust": trust}]) == identity.learn([said])
    assert identity.learn_rows([row | {"body": '{"traits": null}', "trust": "file"}]).addresses == []
    identity.hear(connection, [row | {"body": body, "trust": "file"}])
    assert reached(connection, "a") == "a@x.example"
