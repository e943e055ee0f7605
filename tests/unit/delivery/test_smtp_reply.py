"""What replies of mail servers mean: whom they condemn, what is tried again, when the channel rests."""

import pytest

from zhanggui.delivery.smtp_reply import Reply, Stage, Verdict, enhanced_code, judge

RETRY = Verdict(outcome="retry")
REJECTED = Verdict(outcome="rejected")
BAD_ADDRESS = Verdict(outcome="rejected", bad_address=True)
POLICY = Verdict(outcome="retry", policy=True)


def said(stage: Stage, reply: str) -> Verdict:
    code, _, text = reply.partition(" ")
    return judge(Reply(stage=stage, code=int(code), text=text))


@pytest.mark.parametrize("detail", ["1", "2", "3", "4", "6", "10"])
@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
def test_enhanced_codes_of_the_recipients_address_condemn_it(stage: Stage, detail: str) -> None:
    assert said(stage, f"550 5.1.{detail} no such user") == BAD_ADDRESS
    assert said(stage, f"553 5.1.{detail} no such user") == BAD_ADDRESS


@pytest.mark.parametrize(
    "reply",
    [
        "553 5.1.7 bad sender's mailbox address syntax",
        "550 5.1.8 bad sender's system address",
        "550 5.1.0 <news@shop.example>: Sender address rejected: User unknown in local recipient table",
        "550 5.1.1 sender verify failed",
        "554 5.1.0 Sender Denied",
    ],
)
def test_what_is_said_of_the_senders_address_is_the_shops_fault(reply: str) -> None:
    assert said("rcpt", reply) == POLICY


def test_an_address_code_that_does_not_say_whose_ends_this_message_only() -> None:
    assert said("rcpt", "550 5.1.0 address rejected") == REJECTED
    assert said("rcpt", "550 5.1.9 relayed to a mailer that knows no such codes") == REJECTED


@pytest.mark.parametrize(
    "reply",
    [
        "553 5.7.1 <news@shop.example>: Sender address rejected: not owned by user news",
        "550 5.7.26 unauthenticated mail is refused",
        "554 5.7.1 likely unsolicited mail",
        "550 5.4.5 daily user sending limit exceeded",
        "530 5.5.1 authentication required",
        "530 log in first",
        "534 too weak",
        "535 wrong password",
        "538 encryption required",
    ],
)
@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "dot"])
def test_what_is_held_against_the_shop_is_retried_and_suppresses_nobody(stage: Stage, reply: str) -> None:
    assert said(stage, reply) == POLICY


@pytest.mark.parametrize("reply", ["550 5.1.1 unknown", "550 no", "553 no", "501 no", "554 5.2.1 no"])
@pytest.mark.parametrize("stage", ["connect", "mail"])
def test_a_refusal_before_the_recipient_is_named_is_about_the_shop(stage: Stage, reply: str) -> None:
    assert said(stage, reply) == POLICY


@pytest.mark.parametrize("code", [550, 553, 554])
def test_without_an_enhanced_code_a_refused_recipient_may_be_the_shops_fault(code: int) -> None:
    assert said("rcpt", f"{code} no such user here") == POLICY
    assert said("dot", f"{code} no") == REJECTED
    assert said("data", f"{code} no") == REJECTED


def test_without_an_enhanced_code_nobody_is_suppressed() -> None:
    for code in range(500, 600):
        for stage in ("connect", "mail", "rcpt", "data", "dot"):
            assert not said(stage, f"{code} no such user").bad_address  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("552 mailbox full", RETRY),
        ("552 5.2.2 mailbox full", REJECTED),
        ("452 4.2.2 mailbox full", RETRY),
        ("550 5.2.1 mailbox disabled", REJECTED),
        ("550 5.4.1 access denied", REJECTED),
        ("550 5.5.5 no", REJECTED),
        ("551 user not local", REJECTED),
        ("501 syntax", REJECTED),
        ("556 domain takes no mail", REJECTED),
        ("500 what", REJECTED),
        ("599 what", REJECTED),
    ],
)
def test_what_concerns_one_mailbox_ends_or_delays_one_message(reply: str, verdict: Verdict) -> None:
    assert said("rcpt", reply) == verdict


@pytest.mark.parametrize(
    "reply", ["450 4.7.1 greylisted", "451 5.1.1 odd", "400 no", "499 no", "454 4.7.0 log in later"]
)
@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "dot"])
def test_4yz_means_later_whatever_the_enhanced_code(stage: Stage, reply: str) -> None:
    assert said(stage, reply) == RETRY


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "dot"])
def test_421_gives_the_whole_channel_a_rest(stage: Stage) -> None:
    assert said(stage, "421 4.7.0 closing") == Verdict(outcome="retry", slow_down_seconds=30.0)


@pytest.mark.parametrize("reply", ["250 ok", "200 ok", "299 ok"])
def test_only_the_reply_to_the_whole_message_accepts_it(reply: str) -> None:
    assert said("dot", reply) == Verdict(outcome="accepted")
    for stage in ("connect", "mail", "rcpt", "data"):
        assert said(stage, reply) == RETRY  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [-1, 0, 199, 300, 354, 399, 600, 999])
def test_an_answer_that_is_no_reply_leaves_a_message_in_doubt_only_after_its_end(code: int) -> None:
    assert judge(Reply(stage="dot", code=code, text="?")) == Verdict(outcome="in_doubt")
    assert judge(Reply(stage="rcpt", code=code, text="?")) == RETRY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1 no such user", ("1", "1")),
        ("#5.1.10 null MX", ("1", "10")),
        ("no such user\n5.1.1 see our page", ("1", "1")),
        ("5.1.1", ("1", "1")),
        ("4.2.2 full\n5.1.1 gone", ("1", "1")),
        ("", None),
        ("5.1.1.20 is blocked", None),
        ("see 5.1.1", None),
        ("4.1.1 of another class", None),
        ("15.1.1 no", None),
        ("5.1.1000 no", None),
    ],
)
def test_an_enhanced_code_begins_a_line_and_is_of_the_replys_class(text: str, code: tuple[str, str] | None) -> None:
    assert enhanced_code(Reply(stage="rcpt", code=550, text=text)) == code


def test_the_class_of_an_enhanced_code_is_the_replys_first_digit() -> None:
    assert enhanced_code(Reply(stage="rcpt", code=554, text="5.7.1 no")) == ("7", "1")
    assert enhanced_code(Reply(stage="rcpt", code=452, text="5.7.1 no")) is None
    assert enhanced_code(Reply(stage="rcpt", code=452, text="4.2.2 full")) == ("2", "2")


def test_a_reply_reads_as_the_server_said_it() -> None:
    assert str(Reply(stage="rcpt", code=550, text="5.1.1 no")) == "550 5.1.1 no"
