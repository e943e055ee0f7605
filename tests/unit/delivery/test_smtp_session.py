"""One connection to a mail server: how far a message got when it breaks, and what the next one finds."""

from collections.abc import Iterator
from typing import Any

import pytest

from fake_smtp import FakeSmtp, Rule, Stage
from zhanggui.delivery.smtp_reply import Reply
from zhanggui.delivery.smtp_session import CutOffError, Server, SmtpSession


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as server:
        yield server


def connected(server: FakeSmtp, **settings: Any) -> SmtpSession:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "timeout_s": 5,
        "dot_timeout_s": 5,
    }
    return SmtpSession(Server(**given | settings))


def hand_over(session: SmtpSession, to: str = "ann@example.com") -> Reply:
    return session.hand_over("news@shop.example", to, b"Subject: tea\r\n\r\n.tea\r\n")


def test_a_message_that_was_taken_has_the_reply_to_the_whole(server: FakeSmtp) -> None:
    session = connected(server)
    assert hand_over(session) == Reply(stage="dot", code=250, text="kept")
    assert [(mail.sender, mail.recipient) for mail in server.taken] == [("news@shop.example", "ann@example.com")]
    assert server.taken[0].content == b"Subject: tea\r\n\r\n.tea\r\n"
    assert session.open
    session.quit()
    assert not session.open
    assert server.all_closed()
    assert server.asked["quit"] == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_refused_step_is_the_last_and_its_reply_comes_back(server: FakeSmtp, stage: Stage) -> None:
    server.rules = [Rule(at=stage, reply="550-5.1.1 no\n550 5.1.1 n\u00e9e", times=1)]
    session = connected(server)
    assert hand_over(session) == Reply(stage=stage, code=550, text="5.1.1 no\n5.1.1 née")
    assert server.asked["dot"] == 0
    assert server.asked["rset"] == 1
    assert hand_over(session).code == 250
    assert server.asked["connect"] == 1
    session.quit()


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"delay_s": 20.0}])
def test_a_broken_connection_says_which_step_had_no_answer_and_is_closed(
    server: FakeSmtp, stage: Stage, trouble: dict[str, Any]
) -> None:
    server.rules = [Rule(at=stage, **trouble)]
    late = "delay_s" in trouble
    session = connected(server, timeout_s=0.4 if late and stage != "dot" else 5, dot_timeout_s=0.2 if late else 5)
    asked = "the whole message" if stage == "dot" else stage.upper()
    with pytest.raises(CutOffError, match=f"^cut off before the reply to {asked}: ") as caught:
        hand_over(session)
    assert caught.value.stage == stage
    assert not session.open


def test_the_next_step_has_the_shorter_time_again(server: FakeSmtp) -> None:
    server.rules = [Rule(at="rcpt", to="bob", delay_s=20.0)]
    session = connected(server, timeout_s=0.5, dot_timeout_s=60)
    assert hand_over(session).code == 250
    with pytest.raises(CutOffError):
        hand_over(session, "bob@example.com")


def test_a_connection_that_is_gone_hands_nothing_over(server: FakeSmtp) -> None:
    session = connected(server)
    session.quit()
    with pytest.raises(CutOffError) as caught:
        hand_over(session)
    assert caught.value.stage == "mail"
    session.quit()


@pytest.mark.parametrize(
    ("reply", "open_after"),
    [
        ("250 kept", True),
        ("452 full", True),
        ("599 no", True),
        ("421 bye", False),
        ("199 what", False),
        ("600 what", False),
    ],
)
def test_after_the_whole_message_the_connection_stays_unless_the_reply_was_none(
    server: FakeSmtp, reply: str, open_after: bool
) -> None:
    server.rules = [Rule(at="dot", reply=reply)]
    session = connected(server)
    assert str(hand_over(session)) == reply
    assert session.open == open_after
    session.quit()


def test_what_a_server_says_unasked_is_that_it_is_closing(server: FakeSmtp) -> None:
    server.rules = [Rule(at="dot", reply="250 kept", hang_up=True, keep=True)]
    session = connected(server)
    assert hand_over(session).code == 250
    assert server.all_closed()
    assert not session.open
    session.quit()


def test_a_server_that_will_not_say_good_bye_is_left_anyway(server: FakeSmtp) -> None:
    server.rules = [Rule(at="quit", delay_s=20.0)]
    session = connected(server, timeout_s=0.5)
    session.quit()
    assert not session.open


def test_an_address_beyond_ascii_is_announced(server: FakeSmtp) -> None:
    old = connected(server)
    assert not old.takes_utf8
    old.quit()
    with FakeSmtp(extensions=["SMTPUTF8"]) as modern:
        session = connected(modern)
        assert session.takes_utf8
        assert hand_over(session, "用户@example.com").code == 250
        assert hand_over(session, "ann@example.com").code == 250
        session.quit()
        assert modern.senders == ["<news@shop.example> SMTPUTF8 BODY=8BITMIME", "<news@shop.example>"]
