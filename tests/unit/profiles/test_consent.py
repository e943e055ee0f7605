"""Consent follows the person and the mailbox: whose word counts, for whom, from when on."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.errors import ConsentError
from zhanggui.events.event import Event
from zhanggui.profiles import identity
from zhanggui.profiles.consent import Consent, bases, check, granted, proof, record
from zhanggui.profiles.consent_file import from_data, read_consents
from zhanggui.storage import RejectFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def said(who: str, days: float, *, yes: bool = True, channel: str = "email", address: str = "") -> Consent:
    return Consent(
        customer_id=who,
        channel=channel,
        purpose="personalisation" if channel == "*" else "marketing",
        granted=yes,
        at=NOW + days * DAY,
        how="form",
        text="Write to me.",
        address=address,
    )


def tell(connection: sa.Connection, *statements: Consent) -> None:
    for one in statements:
        record(connection, [one], now=max(NOW, one.at))


def learn(connection: sa.Connection, kind: Any, user_id: str | None, *, days: float = -9, **fields: Any) -> None:
    moment = NOW + days * DAY
    event = Event(message_id="m", type=kind, timestamp=moment, received_at=moment, user_id=user_id, **fields)
    identity.apply(connection, identity.learn([event]))


def live(connection: sa.Connection, who: str, address: str, days: float = -9) -> None:
    learn(connection, "identify", who, days=days, traits={"email": address})


def merge(connection: sa.Connection, old: str, new: str) -> None:
    learn(connection, "alias", new, previous_id=old)


def agreed(connection: sa.Connection, *who: str, days: float = 0, channel: str = "email", **addresses: str) -> set[str]:
    purpose: Any = "personalisation" if channel == "*" else "marketing"
    return granted(connection, who, channel, purpose, at=NOW + days * DAY, addresses=addresses or None)


# Time


def test_the_latest_statement_holds_and_of_two_at_one_time_the_withdrawal(connection: sa.Connection) -> None:
    assert agreed(connection, "a") == set()
    tell(connection, said("a", -3), said("a", -2, yes=False))
    assert agreed(connection, "a") == set()
    tell(connection, said("a", -1))
    assert agreed(connection, "a") == {"a"}
    tell(connection, said("a", -1, yes=False))
    assert agreed(connection, "a") == set()
    tell(connection, said("b", -1, yes=False), said("b", -1))
    assert agreed(connection, "b") == set()


def test_a_grant_counts_from_its_moment_on_and_a_withdrawal_at_once(connection: sa.Connection) -> None:
    record(connection, [said("a", 0.5)], now=NOW)
    assert agreed(connection, "a", days=0.4999) == set()
    assert agreed(connection, "a", days=0.5) == {"a"}
    record(connection, [said("a", 0.9, yes=False)], now=NOW + 0.6 * DAY)
    assert agreed(connection, "a", days=0.7) == set()


def test_a_fast_clock_does_not_put_a_grant_behind_the_withdrawal_that_followed_it(connection: sa.Connection) -> None:
    record(connection, [said("a", 0.9)], now=NOW)
    record(connection, [said("a", 0.1, yes=False)], now=NOW + 0.1 * DAY)
    assert agreed(connection, "a", days=2) == set()


def test_channels_and_purposes_are_agreed_to_one_by_one(connection: sa.Connection) -> None:
    tell(connection, said("a", -1), said("a", -1, channel="*", yes=False))
    assert agreed(connection, "a", channel="sms") == set()
    assert agreed(connection, "a") == {"a"}
    assert agreed(connection, "a", "b", channel="*") == {"b"}
    tell(connection, said("a", -0.5, channel="*"))
    assert agreed(connection, "a", channel="*") == {"a"}


# Persons


def test_who_withdrew_under_any_id_gets_nothing_under_every_id(connection: sa.Connection) -> None:
    merge(connection, "guest", "ann")
    tell(connection, said("ann", -5), said("guest", -2, yes=False))
    assert agreed(connection, "ann", "guest") == set()
    tell(connection, said("guest", -1))
    assert agreed(connection, "ann", "guest", "bob") == {"ann", "guest"}
    tell(connection, said("ann", -1, yes=False))
    assert agreed(connection, "ann", "guest") == set()


def test_a_refusal_of_personalisation_follows_the_person(connection: sa.Connection) -> None:
    merge(connection, "guest", "ann")
    tell(connection, said("guest", -2, yes=False, channel="*"))
    assert agreed(connection, "ann", channel="*") == set()


def test_the_proof_and_the_basis_are_the_persons(connection: sa.Connection) -> None:
    merge(connection, "guest", "ann")
    tell(connection, said("guest", -3), said("ann", -2), said("ann", -1, yes=False), said("ann", -2, channel="sms"))
    assert [(one.customer_id, one.granted) for one in proof(connection, "guest", "email")] == [
        ("ann", False),
        ("ann", True),
        ("guest", True),
    ]
    assert {one.channel for one in proof(connection, "ann")} == {"email", "sms"}
    assert proof(connection, "ann", purpose="personalisation") == []
    tell(connection, said("guest", -4, channel="*", yes=False))
    assert [one.channel for one in proof(connection, "ann", purpose="personalisation")] == ["*"]
    assert {one.channel for one in proof(connection, "ann", purpose="marketing")} == {"email", "sms"}
    basis = bases(connection, ["ann", "guest", "bob"], "email", at=NOW)
    assert basis == dict.fromkeys(["ann", "guest"], said("ann", -2))
    assert bases(connection, ["ann"], "email", at=NOW - 2.5 * DAY) == {"ann": said("guest", -3)}


# Devices


def test_from_a_device_of_one_person_everything_follows(connection: sa.Connection) -> None:
    learn(connection, "track", "ann", anonymous_id="dev")
    tell(connection, said("dev", -2))
    assert agreed(connection, "ann", "dev") == {"ann", "dev"}
    assert bases(connection, ["ann"], "email", at=NOW)["ann"].customer_id == "dev"
    tell(connection, said("dev", -1, yes=False))
    assert agreed(connection, "ann") == set()


def test_from_a_device_of_two_persons_withdrawals_follow_both_and_grants_neither(connection: sa.Connection) -> None:
    for who in ("ann", "bob"):
        learn(connection, "track", who, anonymous_id="dev")
    tell(connection, said("dev", -5))
    assert agreed(connection, "ann", "bob") == set()
    assert bases(connection, ["ann"], "email", at=NOW) == {}
    tell(connection, said("ann", -4), said("bob", -4), said("cid", -4))
    assert agreed(connection, "ann", "bob", "cid") == {"ann", "bob", "cid"}
    tell(connection, said("dev", -3, yes=False))
    assert agreed(connection, "ann", "bob", "cid") == {"cid"}
    tell(connection, said("ann", -2))
    assert agreed(connection, "ann", "bob") == {"ann"}


def test_two_ids_of_one_person_on_a_device_are_one_owner(connection: sa.Connection) -> None:
    for who in ("guest", "ann"):
        learn(connection, "track", who, anonymous_id="dev")
    merge(connection, "guest", "ann")
    tell(connection, said("dev", -2))
    assert agreed(connection, "ann") == {"ann"}


def test_an_alias_of_a_shared_device_carries_no_grant(connection: sa.Connection) -> None:
    for who in ("ann", "bob"):
        learn(connection, "track", who, anonymous_id="dev")
    merge(connection, "dev", "ann")
    tell(connection, said("dev", -2))
    assert agreed(connection, "ann") == set()
    tell(connection, said("ann", -1.5), said("dev", -1, yes=False))
    assert agreed(connection, "ann") == set()


def test_a_public_key_carries_withdrawals_to_a_customer_and_no_grant(connection: sa.Connection) -> None:
    learn(connection, "track", "ann", anonymous_id="dev", trust="write")
    tell(connection, said("dev", -3))
    assert agreed(connection, "ann") == set()
    tell(connection, said("ann", -2.5), said("dev", -2, yes=False))
    assert agreed(connection, "ann") == set()
    learn(connection, "track", "bob", anonymous_id="own")
    learn(connection, "track", "eve", anonymous_id="own", trust="write")
    tell(connection, said("own", -2))
    assert agreed(connection, "bob", "eve") == {"bob"}


@pytest.mark.parametrize("kind", ["alias", "identify"])
def test_a_public_key_carries_no_withdrawal_from_a_customer_to_another(connection: sa.Connection, kind: str) -> None:
    live(connection, "eve", "eve@x.example")
    learn(connection, "track", "zoe", anonymous_id="phone")  # a customer who gave no address
    tell(connection, said("ann", -3), said("eve", -2, yes=False), said("zoe", -2, yes=False))
    for withdrawn in ("eve", "zoe"):
        other = {"previous_id": withdrawn} if kind == "alias" else {"anonymous_id": withdrawn}
        learn(connection, kind, "ann", trust="write", **other)
    assert agreed(connection, "ann", "eve", "zoe") == {"ann"}


# Addresses


def test_a_withdrawal_at_a_mailbox_holds_for_everyone_there(connection: sa.Connection) -> None:
    live(connection, "a1", "ann@x.example")
    live(connection, "a2", "Ann@X.example")
    tell(connection, said("a1", -5), said("a2", -5), said("c", -5))
    where = {"a1": "ann@x.example", "a2": "Ann@X.example", "c": "c@x.example"}
    assert agreed(connection, "a1", "a2", "c", **where) == {"a1", "a2", "c"}
    tell(connection, said("a2", -2, yes=False))
    assert agreed(connection, "a1", "a2", "c", **where) == {"c"}
    assert agreed(connection, "a1") == {"a1"}  # as a person
    assert agreed(connection, "a1", a1="new@x.example") == {"a1"}


def test_it_holds_where_it_was_made_when_who_made_it_has_moved(connection: sa.Connection) -> None:
    live(connection, "a2", "ann@x.example")
    tell(connection, said("a1", -5), said("a2", -2, yes=False), said("d", -5))
    live(connection, "a2", "else@x.example", days=-1)
    assert agreed(connection, "a1", a1="ann@x.example") == set()
    assert agreed(connection, "d", d="else@x.example") == {"d"}
    assert [one.address for one in proof(connection, "a2")] == ["ann@x.example"]


def test_a_withdrawal_known_before_its_mailbox_holds_there(connection: sa.Connection) -> None:
    tell(connection, said("a2", -2, yes=False), said("a1", -5))
    live(connection, "a1", "ann@x.example")
    assert agreed(connection, "a1", a1="ann@x.example") == {"a1"}
    live(connection, "a2", "ann@x.example")
    assert agreed(connection, "a1", a1="ann@x.example") == set()
    tell(connection, said("a2", -1))  # of the person; the mailbox was not named
    assert agreed(connection, "a1", "a2", a1="ann@x.example", a2="ann@x.example") == {"a2"}


def test_a_later_grant_that_names_the_mailbox_opens_it_again(connection: sa.Connection) -> None:
    tell(connection, said("a1", -5), said("b1", -5), said("x", -3, yes=False, address=" ANN@x.example "))
    where = {"a1": "ann@x.example", "b1": "ann@x.example"}
    assert agreed(connection, "a1", **where) == set()
    tell(connection, said("a1", -2))
    assert agreed(connection, "a1", **where) == set()
    tell(connection, said("a1", -3, address="Ann@x.example"))  # of two at one time the withdrawal
    assert agreed(connection, "a1", **where) == set()
    tell(connection, said("a1", -1, address="Ann@x.example"))
    assert agreed(connection, "a1", "b1", **where) == {"a1", "b1"}
    tell(connection, said("x", -0.5, yes=False, address="ann@x.example"))
    assert agreed(connection, "a1", "b1", **where) == set()


def test_what_a_person_took_back_at_a_mailbox_the_same_person_may_give_again(connection: sa.Connection) -> None:
    merge(connection, "guest", "ann")
    tell(connection, said("guest", -3, yes=False, address="ann@x.example"), said("ann", -2))
    assert agreed(connection, "ann", ann="ann@x.example") == {"ann"}


def test_a_mailbox_is_closed_on_its_channel_only(connection: sa.Connection) -> None:
    tell(
        connection,
        said("x", -3, yes=False, channel="sms", address="0044 1"),
        said("a", -5),
        said("a", -5, channel="sms"),
    )
    assert agreed(connection, "a", a="+441") == {"a"}
    assert agreed(connection, "a", channel="sms", a="+44-1") == set()


def test_a_contacts_grant_is_one_for_its_mailbox(connection: sa.Connection) -> None:
    learn(connection, "identify", None, days=-8, anonymous_id="dev", traits={"email": "n@x.example"})
    tell(connection, said("email:n@x.example", -5))
    assert agreed(connection, "email:n@x.example") == {"email:n@x.example"}
    learn(connection, "track", "u", days=-7, anonymous_id="dev")
    assert agreed(connection, "u") == {"u"}
    assert agreed(connection, "u", u="N@x.example") == {"u"}
    assert agreed(connection, "u", u="other@x.example") == set()
    assert agreed(connection, "u", v="n@x.example") == set()
    live(connection, "u", "u@x.example", days=-6)
    assert agreed(connection, "u") == set()
    tell(connection, said("u", -4), said("email:n@x.example", -3, yes=False))
    assert agreed(connection, "u") == set()
    tell(connection, said("v", -5))
    assert agreed(connection, "v", v="n@x.example") == set()


# What is kept


def test_what_changed_is_counted_by_customer(connection: sa.Connection) -> None:
    assert record(connection, [said("a", -3), said("b", -3)], now=NOW) == 2
    assert record(connection, [said("a", -2)], now=NOW) == 0
    assert record(connection, [said("a", -1, yes=False), said("b", -4, yes=False)], now=NOW) == 1
    assert record(connection, [said("c", -1, yes=False, channel="*"), said("d", -1, channel="*")], now=NOW) == 1
    assert record(connection, [said("a", -1, yes=False)], now=NOW) == 0


def test_at_one_moment_one_may_withdraw_at_several_mailboxes(connection: sa.Connection) -> None:
    tell(connection, *(said("x", -1, yes=False, address=one) for one in ("a@x.example", "b@x.example")))
    assert [one.address for one in proof(connection, "x")] == ["a@x.example", "b@x.example"]
    assert proof(connection, "x")[0] == said("x", -1, yes=False, address="a@x.example")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_id": "x" * 257}, "customer_id"),
        ({"customer_id": "a\x00b"}, "customer_id"),
        ({"channel": "a\ud800"}, "channel"),
        ({"customer_id": " "}, "customer_id"),
        ({"channel": "c" * 64}, "channel"),
        ({"channel": ""}, "channel"),
        ({"address": "a" * 513}, "address"),
        ({"address": "a\x00"}, "address"),
        ({"how": " "}, "how"),
        ({"how": "\ud800"}, "how"),
        ({"text": " "}, "text"),
        ({"text": "\x00"}, "text"),
        ({"purpose": "spam"}, "purpose"),
        ({"purpose": "personalisation"}, "channel"),
        ({"at": datetime(2026, 1, 1)}, "at"),  # noqa: DTZ001
        ({"at": NOW + DAY + timedelta(microseconds=1)}, "at"),
        ({"at": datetime(1989, 12, 31, tzinfo=UTC)}, "at"),
    ],
)
def test_what_is_no_proof_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConsentError) as caught:
        check(replace(said("a", 0), **change), now=NOW)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": "x" * 256},
        {"channel": "c" * 63},
        {"address": "a" * 512},
        {"granted": False, "text": ""},
        {"at": NOW + DAY},
        {"at": datetime(1990, 1, 1, tzinfo=UTC)},
        {"purpose": "personalisation", "channel": "*"},
    ],
)
def test_what_is_just_a_proof_is_kept_as_it_is(change: dict[str, Any]) -> None:
    just = replace(said("a", 0), **change)
    assert check(just, now=NOW) is just


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        ({"how": "\x00"}, "it has characters that are none", "NUL, or half of a surrogate pair"),
        ({"channel": "c" * 64}, "it is longer than 63 characters", ""),
        ({"how": " "}, "it is empty", "a consent is kept with when, how and which text"),
        ({"text": ""}, "it is empty", "keep the words that the customer agreed to"),
        ({"purpose": "spam"}, "'spam' is none of marketing, personalisation", ""),
        ({"purpose": "personalisation"}, "personalisation is agreed to or refused as a whole", 'use "*"'),
        ({"at": datetime(2026, 1, 1)}, "it has no time zone", "such as 2026-01-31T12:00:00+08:00"),  # noqa: DTZ001
        ({"at": NOW + 2 * DAY}, "2026-03-03T12:00:00+00:00 is in the future", "the moment when the customer said so"),
        (
            {"at": datetime(1989, 12, 31, tzinfo=UTC)},
            "1989-12-31T00:00:00+00:00 is before 1990",
            "the moment when the customer said so",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(change: dict[str, Any], problem: str, hint: str) -> None:
    with pytest.raises(ConsentError) as caught:
        check(replace(said("a", 0), **change), now=NOW)
    assert (caught.value.problem, caught.value.hint) == (problem, hint)


DATA = {"customer_id": "5", "channel": "email", "purpose": "marketing", "granted": True, "how": "f", "text": "t"}


@pytest.mark.parametrize("customer_id", [5, 5.0, "5", " 5 "])
def test_a_number_is_the_customer_that_events_name(customer_id: Any) -> None:
    data = DATA | {"customer_id": customer_id, "at": "2026-02-01T00:00:00Z"}
    assert from_data(data, now=NOW, channels=["email"]).customer_id == "5"
    assert from_data(data | {"address": "a@x.example", "at": NOW}, now=NOW).address == "a@x.example"


NUMBER_OR_TEXT = "an id is a text or a whole number"
CHANNELS = 'set up: email, sms; "*" is for personalisation'
MOMENT = "such as 2026-01-31T12:00:00+08:00"
FIELDS = "address, at, channel, customer_id, granted, how, purpose, text"


@pytest.mark.parametrize(
    ("change", "field", "problem", "hint"),
    [
        ({"customer_id": None}, "customer_id", "it is missing, or stands for nobody", "the id that events name"),
        ({"customer_id": "undefined"}, "customer_id", "it is missing, or stands for nobody", "the id that events name"),
        ({"customer_id": 5.5}, "customer_id", "it is not a whole number", NUMBER_OR_TEXT),
        ({"customer_id": True}, "customer_id", "it is no text", ""),
        ({"customer_id": ["a"]}, "customer_id", "it is no text", ""),
        ({"channel": "emial"}, "channel", "there is no channel 'emial'", f"did you mean email? {CHANNELS}"),
        ({"channel": "pigeon"}, "channel", "there is no channel 'pigeon'", CHANNELS),
        ({"channel": 5}, "channel", "it is missing or not a text", ""),
        ({"purpose": None}, "purpose", "it is missing or not a text", ""),
        ({"how": 5}, "how", "it is missing or not a text", ""),
        ({"text": None}, "text", "it is missing or not a text", ""),
        ({"address": None}, "address", "it is missing or not a text", ""),
        ({"granted": "true"}, "granted", "it is neither true nor false", ""),
        ({"at": "soon"}, "at", "it is no moment", MOMENT),
        ({"at": None}, "at", "it is no moment", MOMENT),
        ({"colour": "red", "shape": 1}, "colour", "there is no such field", FIELDS),
    ],
)
def test_data_that_is_no_consent_is_refused_in_these_words(
    change: dict[str, Any], field: str, problem: str, hint: str
) -> None:
    with pytest.raises(ConsentError) as caught:
        from_data(DATA | {"at": "2026-02-01T00:00:00Z"} | change, now=NOW, channels=["email", "sms"])
    assert (caught.value.field, caught.value.problem, caught.value.hint) == (field, problem, hint)


def test_what_a_consent_may_leave_out_and_what_not() -> None:
    at = {"at": "2026-02-01T00:00:00Z"}
    withdrawn = {name: value for name, value in DATA.items() if name != "text"} | at | {"granted": False}
    assert (from_data(withdrawn, now=NOW).text, from_data(withdrawn, now=NOW).address) == ("", "")
    assert from_data(DATA | at | {"channel": "pigeon"}, now=NOW).channel == "pigeon"
    for channels in (["email"], []):
        free = DATA | at | {"channel": "*", "purpose": "personalisation"}
        assert from_data(free, now=NOW, channels=channels).channel == "*"
    with pytest.raises(ConsentError) as caught:
        from_data(DATA | at, now=NOW, channels=[])
    assert caught.value.hint == 'set up: none; "*" is for personalisation'
    for nothing, hint in ((5, "one JSON object a line"), ({}, "the id that events name")):
        with pytest.raises(ConsentError) as caught:
            from_data(nothing, now=NOW)
        assert caught.value.hint == hint
    for name in ("channel", "purpose", "how", "granted", "at"):
        with pytest.raises(ConsentError) as caught:
            from_data({key: value for key, value in (DATA | at).items() if key != name}, now=NOW)
        assert caught.value.field == name


def test_a_file_is_read_line_by_line_and_bad_ones_are_kept_aside(tmp_path: Path) -> None:
    file = tmp_path / "consents.jsonl"
    good = DATA | {"at": "2026-02-01T00:00:00+00:00"}
    rows = [good, good | {"channel": "sms"}, {"customer_id": "x"}, good | {"customer_id": "6", "text": "Ja."}]
    file.write_text("\n\n".join(map(json.dumps, rows)) + "\nnot json\n[1]\n")
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        read = list(read_consents(file, now=NOW, rejects=rejects, channels=["email"]))
    assert [(one.customer_id, one.text, one.at) for one in read] == [
        ("5", "t", datetime(2026, 2, 1, tzinfo=UTC)),
        ("6", "Ja.", datetime(2026, 2, 1, tzinfo=UTC)),
    ]
    refused = [json.loads(line) for line in rejects.path.read_text().splitlines()]
    assert [(one["source"], one["line"], one["field"]) for one in refused] == [
        (str(file), 3, "channel"),
        (str(file), 5, "channel"),
        (str(file), 8, ""),
        (str(file), 9, ""),
    ]
    assert "JSON" in refused[2]["problem"]
    assert "object" in refused[3]["problem"]
    assert json.loads(refused[0]["raw"])["channel"] == "sms"
