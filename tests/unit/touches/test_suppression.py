"""What an operator may say of an address, what becomes of it, and how that is told."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from zhanggui.catalog.product import Language
from zhanggui.errors import InputError
from zhanggui.storage import Database
from zhanggui.touches import contacts
from zhanggui.touches.contacts import SuppressionChange
from zhanggui.touches.suppression import Suppression, checked, in_words

NOW, LATER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
REASON_HINT = "say why in up to 200 printable characters: it is kept"


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("x" * 201, "it is too long"),
        ("complained\x00", "it is no line of text"),
        ("\x1b[31mcomplained", "it is no line of text"),
        ("half \ud800 a sign", "it is no line of text"),
    ],
)
def test_a_reason_that_no_record_can_keep_is_refused(reason: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        checked("ann@example.com", reason, channel="email")
    assert (caught.value.problem, caught.value.field, caught.value.hint) == (problem, "reason", REASON_HINT)


@pytest.mark.parametrize("address", ["", "  ", "a@" + "x" * 511, "ann@x.example\x00"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(address, "why", channel="email")
    error = caught.value
    assert (error.problem, error.field, error.hint) == ("it is no address", "address", "up to 512 printable characters")


def test_a_number_is_no_mailbox_and_may_be_an_address_of_another_channel() -> None:
    with pytest.raises(InputError) as caught:
        checked(" +86 138 ", "why", channel="email")
    error = caught.value
    assert (error.problem, error.field) == ("'+86 138' is no e-mail address", "address")
    assert error.hint == "name the channel that it is for"
    assert checked(" +86 138 ", "why", channel="sms") == ("+86 138", "why")


def test_what_is_just_short_enough_is_kept_as_it_was_given() -> None:
    assert checked(" ann@example.com ", " 顾客投诉 ", channel="email") == ("ann@example.com", "顾客投诉")
    address, reason = "a@" + "x" * 510, "y" * 200
    assert checked(address, reason, channel="email") == (address, reason)


def _said(language: Language, *, suppressed: bool, changed: bool, known: bool = True) -> str:
    history = (
        SuppressionChange(at=LATER, suppressed=suppressed, reason="complained", by="Li"),
        SuppressionChange(at=NOW, suppressed=not suppressed, reason="an older one", by="Wu"),
    )
    return in_words(
        Suppression(
            address="ann@x.example",
            channel="email",
            suppressed=suppressed,
            changed=changed,
            history=history if known else (),
        ),
        language,
    )


@pytest.mark.parametrize(
    ("standing", "english", "chinese"),
    [
        (
            {"suppressed": True, "changed": True},
            "ann@x.example is suppressed: nothing will be sent to it on email any more.",
            "ann@x.example 已禁发：email 渠道不会再向它发送任何消息。",
        ),
        (
            {"suppressed": True, "changed": False},
            "ann@x.example was suppressed on email already (2026-03-02: complained); nothing was changed.",
            "ann@x.example 在 email 渠道早已禁发（2026-03-02：complained），没有改变。",
        ),
        (
            {"suppressed": True, "changed": False, "known": False},
            "ann@x.example was suppressed on email already (: ); nothing was changed.",
            "ann@x.example 在 email 渠道早已禁发（：），没有改变。",
        ),
        (
            {"suppressed": False, "changed": False},
            "ann@x.example was not suppressed on email; nothing was changed.",
            "ann@x.example 在 email 渠道没有被禁发，没有改变。",
        ),
    ],
)
def test_what_became_of_the_wish_is_told(standing: dict[str, bool], english: str, chinese: str) -> None:
    assert (_said("en", **standing), _said("zh", **standing)) == (english, chinese)


def test_an_address_that_is_free_again_is_told_to_need_a_consent() -> None:
    english, chinese = _said("en", suppressed=False, changed=True), _said("zh", suppressed=False, changed=True)
    assert english.startswith("ann@x.example may be used on email again. That is no consent: ")
    assert chinese.startswith("ann@x.example 在 email 渠道已解除禁发。这不等于同意：")


# What is kept.


def test_an_address_is_suppressed_once_however_it_is_written(database: Database) -> None:
    with database.transaction() as connection:
        assert contacts.suppress(connection, channel="email", address=" Ann@X.example", reason="550", at=NOW)
        assert not contacts.suppress(connection, channel="email", address="ann@x.example", reason="551", at=LATER)
        assert contacts.suppressed(connection, "email", ["ANN@x.example", "bob@x.example"]) == {"ANN@x.example": "550"}
        assert contacts.suppressed(connection, "sms", ["ann@x.example"]) == {}
        assert _changes(connection) == [(NOW, True, "550", "delivery")]


def test_a_suppression_is_lifted_where_it_stands_and_its_record_stays(database: Database) -> None:
    with database.transaction() as connection:
        for channel in ("email", "webhook"):
            contacts.suppress(connection, channel=channel, address="ann@x.example", reason="550", at=NOW)
        lifted = {"reason": "new owner", "at": LATER, "by": "Li"}
        assert not contacts.lift(connection, channel="email", address="bob@x.example", **lifted)
        assert not contacts.lift(connection, channel="sms", address="ann@x.example", **lifted)
        assert contacts.lift(connection, channel="email", address="Ann@x.example ", **lifted)
        assert not contacts.lift(connection, channel="email", address="ann@x.example", **lifted)
        assert contacts.suppressed(connection, "email", ["ann@x.example"]) == {}
        assert contacts.suppressed(connection, "webhook", ["ann@x.example"]) == {"ann@x.example": "550"}
        assert _changes(connection) == [(LATER, False, "new owner", "Li"), (NOW, True, "550", "delivery")]
        assert _changes(connection, "bob@x.example") == []


def test_of_two_changes_in_one_moment_both_are_kept(database: Database) -> None:
    with database.transaction() as connection:
        contacts.suppress(connection, channel="email", address="ann@x.example", reason="550", at=NOW, by="Wu")
        contacts.lift(connection, channel="email", address="ann@x.example", reason="a mistake", at=NOW, by="Wu")
        assert _changes(connection) == [(NOW, False, "a mistake", "Wu"), (NOW, True, "550", "Wu")]


def test_long_reasons_and_names_are_cut_to_what_is_kept(database: Database) -> None:
    with database.transaction() as connection:
        contacts.suppress(connection, channel="email", address="ann@x.example", reason="x" * 300, at=NOW, by="y" * 400)
        assert _changes(connection) == [(NOW, True, "x" * 200, "y" * 300)]
        assert contacts.suppressed(connection, "email", ["ann@x.example"]) == {"ann@x.example": "x" * 200}


def _changes(connection: sa.Connection, address: str = "ANN@x.example") -> list[tuple[datetime, bool, str, str]]:
    found = contacts.changes(connection, channel="email", address=address)
    return [(change.at, change.suppressed, change.reason, change.by) for change in found]
