"""The e-mail channel against a server that does as told: what each answer, silence or hang-up makes of a message."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from example_messages import message
from fake_smtp import FakeSmtp, Rule, Stage
from zhanggui.content.message import Message
from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.delivery.email import EmailChannel, letterhead
from zhanggui.errors import DeliveryError

SENDER = "news@shop.example"


def channel(server: FakeSmtp, **options: Any) -> EmailChannel:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "sender": SENDER,
        "security": "none",
        "timeout_s": 5,
    }
    return EmailChannel(**given | options)


def to(*names: str) -> list[Message]:
    """A message to each name at example.com, by the number of its place."""
    return [message(message_id=f"m{place}", address=f"{name}@example.com") for place, name in enumerate(names)]


def receipt(server: FakeSmtp, **options: Any) -> Receipt:
    (receipt,) = channel(server, **options).send(to("ann"))
    return receipt


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as server:
        yield server


def test_messages_leave_in_order_over_one_connection(server: FakeSmtp) -> None:
    assert isinstance(channel(server), Channel)
    receipts = list(channel(server).send(to("ann", "bob", "cem")))
    assert receipts == [Receipt(message_id=f"m{place}", outcome="accepted", detail="250 kept") for place in range(3)]
    assert [mail.recipient for mail in server.taken] == ["ann@example.com", "bob@example.com", "cem@example.com"]
    assert {mail.sender for mail in server.taken} == {SENDER}
    assert server.asked["connect"] == 1


def test_no_message_means_no_connection(server: FakeSmtp) -> None:
    assert list(channel(server).send([])) == []
    assert server.asked == {}


def test_a_message_is_taken_only_once_the_one_before_has_its_receipt(server: FakeSmtp) -> None:
    taken: list[str] = []

    def messages() -> Iterator[Message]:
        for mail in to("ann", "bob"):
            taken.append(mail.message_id)
            yield mail

    receipts = channel(server).send(messages())
    assert next(receipts).message_id == "m0"
    assert taken == ["m0"]
    assert next(receipts).message_id == "m1"


def test_what_arrives_is_what_was_written_with_its_lines_that_begin_with_a_dot(server: FakeSmtp) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    mail = message(body=".\n..two\n.three\nend")
    list(channel(server, clock=lambda: at, sender_name="Tea", reply_to="Ann <help@shop.example>").send([mail]))
    assert b"\r\n\r\n.\r\n..two\r\n.three\r\nend\r\n" in server.taken[0].content
    head = server.taken[0].content.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "From: Tea <news@shop.example>"
    assert "Date: Sun, 01 Mar 2026 00:00:00 +0000" in head
    assert "Reply-To: Ann <help@shop.example>" in head


def test_the_date_is_now_without_another_clock(server: FakeSmtp) -> None:
    list(channel(server).send(to("ann")))
    assert f" {datetime.now(UTC).year} ".encode() in server.taken[0].content.partition(b"Date: ")[2][:30]


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        ("mail", "553 5.7.1 not owned by user", {"outcome": "retry", "policy": True}),
        ("rcpt", "550 5.1.1 no such user", {"outcome": "rejected", "bad_address": True}),
        ("rcpt", "450 4.7.1 greylisted", {"outcome": "retry"}),
        ("rcpt", "550 no", {"outcome": "retry", "policy": True}),
        ("rcpt", "421 too many", {"outcome": "retry", "slow_down_seconds": 30.0}),
        ("data", "554 5.7.1 no", {"outcome": "retry", "policy": True}),
        ("data", "250 odd", {"outcome": "retry"}),
        ("dot", "452 4.3.1 full", {"outcome": "retry"}),
        ("dot", "552 5.3.4 too big", {"outcome": "rejected"}),
        ("dot", "421 4.3.2 going down", {"outcome": "retry", "slow_down_seconds": 30.0}),
        ("connect", "554 5.7.1 you are listed", {"outcome": "retry", "policy": True}),
        ("connect", "421 too busy", {"outcome": "retry", "slow_down_seconds": 30.0}),
    ],
)
def test_each_refusal_becomes_its_receipt_and_the_next_message_leaves(
    server: FakeSmtp, stage: Stage, reply: str, expected: dict[str, Any]
) -> None:
    server.rules = [Rule(at=stage, reply=reply, times=1)]
    first, second = channel(server).send(to("ann", "bob"))
    assert first == Receipt(message_id="m0", detail=reply, **expected)
    assert second == Receipt(message_id="m1", outcome="accepted", detail="250 kept")
    assert server.recipients == {"bob@example.com": 1}


def test_the_enhanced_code_is_found_in_a_reply_of_several_lines(server: FakeSmtp) -> None:
    server.rules = [
        Rule(at="rcpt", reply="550-No such user here.\n550-5.1.1 See https://mail.example/5.7.1\n550 5.1.1 Bye")
    ]
    assert receipt(server).bad_address


@pytest.mark.parametrize("code", [251, 252])
def test_every_2yz_lets_a_recipient_through(server: FakeSmtp, code: int) -> None:
    server.rules = [Rule(at="rcpt", reply=f"{code} will forward")]
    assert receipt(server).outcome == "accepted"


def test_after_a_refusal_the_connection_goes_on_and_after_421_there_is_a_new_one(server: FakeSmtp) -> None:
    server.rules = [Rule(at="rcpt", to="no", reply="550 5.1.1 no"), Rule(at="rcpt", to="later", reply="450 later")]
    outcomes = [each.outcome for each in channel(server).send(to("no", "ann", "later", "bob"))]
    assert outcomes == ["rejected", "accepted", "retry", "accepted"]
    assert server.asked["connect"] == 1
    server.rules = [Rule(at="mail", reply="421 enough", times=1)]
    assert [each.outcome for each in channel(server).send(to("cem", "dan"))] == ["retry", "accepted"]
    assert server.asked["connect"] == 3


@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"reply": "421 enough"}, {"reply": "999 what"}])
def test_a_refusal_stands_though_the_server_will_not_forget_the_message(
    server: FakeSmtp, trouble: dict[str, Any]
) -> None:
    server.rules = [Rule(at="rcpt", to="no", reply="550 5.1.1 no"), Rule(at="rset", times=1, **trouble)]
    receipts = list(channel(server).send(to("no", "ann")))
    assert [each.outcome for each in receipts] == ["rejected", "accepted"]
    assert receipts[0].detail == "550 5.1.1 no"


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"reply": "999 what"}])
def test_cut_off_before_its_end_a_message_was_not_taken_and_goes_again(
    server: FakeSmtp, stage: Stage, trouble: dict[str, Any]
) -> None:
    server.rules = [Rule(at=stage, times=1, **trouble)]
    first, second = channel(server).send(to("ann", "bob"))
    assert (first.outcome, first.policy, first.bad_address, first.slow_down_seconds) == ("retry", False, False, None)
    assert second.outcome == "accepted"
    assert server.recipients == {"bob@example.com": 1}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"reply": "999 what"}])
def test_cut_off_after_its_end_a_message_is_in_doubt(server: FakeSmtp, trouble: dict[str, Any], keep: bool) -> None:
    server.rules = [Rule(at="dot", to="ann", keep=keep, **trouble)]
    first, second = channel(server).send(to("ann", "bob"))
    assert first.outcome == "in_doubt"
    assert "whole message" in first.detail or "999" in first.detail
    assert second.outcome == "accepted"
    assert server.recipients["ann@example.com"] == int(keep)


def test_the_whole_message_may_be_answered_ten_times_as_late_and_the_next_step_not(server: FakeSmtp) -> None:
    server.rules = [Rule(at="dot", delay_s=1.0, times=1), Rule(at="rcpt", to="bob", delay_s=1.0)]
    receipts = list(channel(server, timeout_s=0.5).send(to("ann", "bob")))
    assert [each.outcome for each in receipts] == ["accepted", "retry"]
    assert receipts[1].detail.startswith("cut off before the reply to RCPT: ")


def test_a_connection_that_the_server_closed_between_two_messages_costs_none(server: FakeSmtp) -> None:
    server.rules = [Rule(at="dot", reply="250 kept", hang_up=True, keep=True)]

    def messages() -> Iterator[Message]:
        for mail in to("ann", "bob"):
            assert server.all_closed()
            yield mail

    assert [each.outcome for each in channel(server).send(messages())] == ["accepted", "accepted"]
    assert server.asked["connect"] == 2


def test_who_stops_listening_leaves_no_connection_open(server: FakeSmtp) -> None:
    receipts = channel(server).send(to("ann", "bob"))
    next(receipts)
    receipts.close()  # type: ignore[attr-defined]
    assert server.all_closed()
    assert server.asked["mail"] == 1


def test_what_a_server_says_in_no_known_encoding_is_kept_as_far_as_it_can_be_read(server: FakeSmtp) -> None:
    server.rules = [
        Rule(at="connect", reply="554 5.7.1 refus\udce9", times=1),
        Rule(at="rcpt", reply="450 occup\udce9"),
    ]
    refused, later = channel(server).send(to("ann", "bob"))
    assert refused == Receipt(message_id="m0", outcome="retry", policy=True, detail="554 5.7.1 refus\ufffd")
    assert later == Receipt(message_id="m1", outcome="retry", detail="450 occup\ufffd")


def test_a_greeting_that_is_no_line_means_try_again_later(server: FakeSmtp) -> None:
    server.rules = [Rule(at="connect", reply="220 " + "x" * 10_000)]
    assert receipt(server).detail == "500 Line too long."


def test_no_server_means_try_again_later() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = EmailChannel(
            host="127.0.0.1", port=probe.getsockname()[1], sender=SENDER, security="none", timeout_s=5
        )
        receipts = list(closed.send(to("ann", "bob")))
    assert [(each.outcome, each.policy) for each in receipts] == [("retry", False)] * 2
    assert receipts[0].detail.startswith("ConnectionRefusedError: ")


ANYTHING = st.text(st.characters(), max_size=30)


@given(
    address=st.one_of(ANYTHING, ANYTHING.map(lambda local: f"{local}@example.com"), ANYTHING.map(lambda name: f"a@{name}")),
    subject=ANYTHING,
    body=ANYTHING,
    language=ANYTHING,
    message_id=st.one_of(st.just("m1"), ANYTHING),
    data=st.dictionaries(st.one_of(st.just("unsubscribe_url"), ANYTHING), st.one_of(st.none(), st.floats(), ANYTHING)),
)  # fmt: skip
def test_no_message_whatever_raises_out_of_send(**fields: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = EmailChannel(
            host="127.0.0.1", port=probe.getsockname()[1], sender=SENDER, security="none", timeout_s=5
        )
        mail = message(**fields)
        (receipt,) = closed.send([mail])
    assert receipt.message_id == mail.message_id
    assert receipt.outcome in ("rejected", "retry")
    assert (receipt.bad_address, receipt.policy) == (False, False)


def test_a_host_that_can_be_none_means_try_again_later_too() -> None:
    (receipt,) = EmailChannel(host="x" * 64 + ".example", port=25, sender=SENDER, timeout_s=5).send(to("ann"))
    assert receipt.outcome == "retry"


@pytest.mark.parametrize(
    "broken",
    [
        {"address": "jane@gmail.com."}, {"address": "no address"}, {"address": "a@" + "x" * 64 + ".example"}, {"address": ""},
        {"subject": "\ud800"}, {"body": "\ud800"}, {"data": {"unsubscribe_url": "no link"}}, {"message_id": "a b"},
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_built_ends_with_a_reason_and_the_others_leave(
    server: FakeSmtp, broken: dict[str, Any]
) -> None:
    ann, bob, cem = to("ann", "bob", "cem")
    receipts = list(channel(server).send([ann, replace(bob, **broken), cem]))
    assert [each.outcome for each in receipts] == ["accepted", "rejected", "accepted"]
    assert receipts[1].detail.startswith("no e-mail can be made of it: ")
    assert (receipts[1].bad_address, receipts[1].policy) == (False, False)
    assert server.asked["connect"] == 1


def test_what_a_server_says_is_cut_to_a_length_that_can_be_kept(server: FakeSmtp) -> None:
    server.rules = [Rule(at="dot", reply="550 5.6.0 " + "x" * 400)]
    assert len(receipt(server).detail) == 300


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(server: FakeSmtp) -> None:
    first, second = channel(server).send(to("用户", "ann"))
    assert (first.outcome, first.bad_address, "SMTPUTF8" in first.detail) == ("rejected", False, True)
    assert second.outcome == "accepted"
    with FakeSmtp(extensions=["SMTPUTF8"]) as modern:
        assert [each.outcome for each in channel(modern).send(to("用户", "ann"))] == ["accepted", "accepted"]
        assert modern.taken[0].recipient == "用户@example.com"
        assert "To: 用户@example.com\r\n".encode() in modern.taken[0].content


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> ssl.SSLContext:
    """Of a server whose certificate for localhost is trusted here."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_password_travels_under_tls_only(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "pepper")
    given = {"host": "localhost", "security": security, "user": "news", "password_env": "MAIL_PASSWORD"}
    with FakeSmtp(tls=tls, tls_first=security == "tls", extensions=["AUTH PLAIN"]) as server:
        assert [each.outcome for each in channel(server, **given).send(to("ann", "bob"))] == ["accepted"] * 2
        assert server.logins == ["PLAIN AG5ld3MAcGVwcGVy"]
        server.rules = [Rule(at="auth", reply="535 5.7.8 wrong password")]
        refused = receipt(server, **given)
        assert (refused.outcome, refused.policy, refused.detail) == ("retry", True, "535 5.7.8 wrong password")
        server.rules = [Rule(at="auth", reply="454 4.7.0 later")]
        assert (receipt(server, **given).outcome, receipt(server, **given).policy) == ("retry", False)


def test_a_certificate_for_another_name_or_of_nobodys_is_not_trusted(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeSmtp(tls=tls) as server, FakeSmtp(tls=tls, tls_first=True) as strict:
        assert receipt(server, host="localhost", security="starttls").outcome == "accepted"
        assert receipt(server, host="127.0.0.1", security="starttls").outcome == "retry"
        assert receipt(strict, host="127.0.0.1", security="tls").outcome == "retry"
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in receipt(server, host="localhost", security="starttls").detail
        assert "certificate" in receipt(strict, host="localhost", security="tls").detail
        assert server.asked["mail"] == 1


def test_a_server_without_starttls_gets_nothing(server: FakeSmtp) -> None:
    given = receipt(server, security="starttls")
    assert (given.outcome, given.policy) == ("retry", False)
    assert server.asked["mail"] == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"sender": "nobody"}, "'nobody'"),
        ({"sender": "a@b."}, "'a@b.'"),
        ({"sender": "a@b\r\nBcc: x"}, "Bcc"),
        ({"sender": "用户@shop.example"}, "ASCII"),
        ({"reply_to": "nobody"}, "'nobody'"),
        ({"security": "none", "user": "u"}, "unprotected"),
        ({"password_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_wrong(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(DeliveryError, match=problem):
        EmailChannel(**{"host": "h", "sender": "a@b.c"} | options)


def test_a_letterhead_holds_the_sender_the_name_and_where_replies_go() -> None:
    letters = letterhead("news@例子.example", "Tea", "Ann <help@shop.example>")
    assert (letters.sender, letters.domain, letters.name) == ("news@xn--fsqu00a.example", "xn--fsqu00a.example", "Tea")
    assert (letters.reply_to, letters.reply_to_name) == ("help@shop.example", "Ann")
    assert letterhead("a@b.c").reply_to == ""
