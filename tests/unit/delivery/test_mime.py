"""Messages as e-mails: fields that mailbox providers read as they stand, and nothing that a customer's data can forge."""

import json
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.message import Message as ParsedMail
from email.policy import default
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from example_messages import message
from zhanggui.delivery import mime
from zhanggui.delivery.mime import Letterhead, build

NOW = datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)
SHOP = Letterhead(sender="news@shop.example", name="掌柜", reply_to="help@shop.example", reply_to_name="Ann")


def raw_fields(content: bytes) -> dict[str, str]:
    """The header as its lines stand; a folded field fails."""
    lines = content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    return dict(line.split(": ", 1) for line in lines if not line.startswith(" "))


def parsed(**fields: Any) -> EmailMessage:
    mail = message_from_bytes(build(message(**fields), SHOP, now=NOW), policy=default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def text(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content


def test_the_header_says_who_writes_to_whom_when_and_how_to_stop_it() -> None:
    fields = raw_fields(build(message(proof={"ai_label": True}), SHOP, now=NOW))
    assert fields == {
        "From": "=?utf-8?b?5o6M5p+c?= <news@shop.example>",
        "To": "buyer@example.com",
        "Subject": "New tea",
        "Date": "Sun, 01 Mar 2026 08:30:15 +0000",
        "Message-ID": "<m1@shop.example>",
        "Reply-To": "Ann <help@shop.example>",
        "List-Unsubscribe": "<https://shop.example/u/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": "<marketing.shop.example>",
        "Feedback-ID": "run-1:marketing:zhanggui",
        "X-AIGC": '{"Label":"1","ContentProducer":"shop.example","ProduceID":"m1"}',
        "MIME-Version": "1.0",
        "Content-Language": "en",
        "Content-Type": fields["Content-Type"],
    }
    assert fields["Content-Type"].startswith('multipart/alternative; boundary="=_')


def test_what_a_message_or_a_shop_does_not_have_is_left_out() -> None:
    bare = Letterhead(sender="news@shop.example")
    fields = raw_fields(build(message(purpose="transactional", language="zh"), bare, now=NOW))
    assert fields["From"] == "news@shop.example"
    assert fields["Content-Language"] == "zh-CN"
    assert fields["List-Id"] == "<transactional.shop.example>"
    assert not fields.keys() & {"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "X-AIGC"}
    assert "List-Unsubscribe" not in raw_fields(build(message(data={}), bare, now=NOW))


def test_the_date_is_when_it_is_sent_not_when_it_was_planned() -> None:
    east = datetime(2026, 3, 1, 16, 30, tzinfo=timezone(timedelta(hours=8)))
    content = build(message(send_at=datetime(2020, 1, 1, tzinfo=UTC)), SHOP, now=east)
    assert raw_fields(content)["Date"] == "Sun, 01 Mar 2026 16:30:00 +0800"


@pytest.mark.parametrize("length", [30, 60, 76, 77, 78, 79, 200, 500, 900, 979, 998])
def test_a_link_to_unsubscribe_of_any_length_stays_on_one_line(length: int) -> None:
    url = "https://shop.example/u/".ljust(length, "x")
    content = build(message(data={"unsubscribe_url": url}), SHOP, now=NOW)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in content


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/".ljust(999, "x"), "javascript:x", "https://", "https://a/b c", "https://a/>", "https://a/\r\nBcc: x", "https://[a/"],
)  # fmt: skip
def test_a_message_whose_link_to_unsubscribe_is_none_cannot_be_built(url: str) -> None:
    with pytest.raises(ValueError, match=r"unsubscribe|IPv6"):
        build(message(data={"unsubscribe_url": url}), SHOP, now=NOW)


def test_a_link_to_unsubscribe_in_another_script_is_written_in_ascii() -> None:
    fields = raw_fields(build(message(data={"unsubscribe_url": "http://例子.example/退/%E6?a=茶&b=1"}), SHOP, now=NOW))
    assert fields["List-Unsubscribe"] == "<http://xn--fsqu00a.example/%E9%80%80/%E6?a=%E8%8C%B6&b=1>"


def test_names_for_machines_are_ascii() -> None:
    fields = raw_fields(build(message(run_id="春 run:1", purpose="a\r\nb"), SHOP, now=NOW))
    assert fields["Feedback-ID"] == "--run-1:a--b:zhanggui"
    assert fields["List-Id"] == "<a--b.shop.example>"


@pytest.mark.parametrize("message_id", ["", "a b", "a>b", "../x", "茶", "a\n", "x" * 201])
def test_an_identity_that_no_field_can_hold_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        build(message(message_id=message_id), SHOP, now=NOW)


def test_the_same_message_is_the_same_bytes() -> None:
    content = build(message(), SHOP, now=NOW)
    assert build(message(), SHOP, now=NOW) == content
    assert build(message(body="Other"), SHOP, now=NOW) != content


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("Spring tea.\n.\nFrom here", "7bit"),
        ("x" * 76, "7bit"),
        ("x" * 77, "quoted-printable"),
        ("x\x00y", "quoted-printable"),
        ("Tea: 5 € = cheap \n.\n\tend ", "quoted-printable"),
        ("春天的茶。\r\n新品", "base64"),
        ("a" * 15 + "茶", "base64"),
        ("a" * 16 + "茶", "quoted-printable"),
        ("", "7bit"),
    ],
)
def test_each_text_arrives_as_it_was_written_in_seven_bits(body: str, encoding: str) -> None:
    content = build(message(body=body), SHOP, now=NOW)
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 200
    mail = parsed(body=body)
    part = mail.get_body(("plain",))
    assert part is not None
    assert (part["Content-Transfer-Encoding"], part["Content-Type"]) == (encoding, 'text/plain; charset="utf-8"')
    assert part.get_payload(decode=True) == body.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def test_the_page_says_what_the_text_says_with_links_that_can_be_clicked() -> None:
    mail = parsed(
        language="zh", subject="<茶>", body="一\n二 https://s.example/?a=1&b=2\n\n三\n\n--\n退订：https://s.example/u"
    )
    assert text(mail, "html").strip() == (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>&lt;茶&gt;</title></head>'
        '<body style="margin:0 auto;max-width:36em;padding:1em;'
        "font:16px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;color:#222\">"
        '<p>一<br>二 <a href="https://s.example/?a=1&amp;b=2">https://s.example/?a=1&amp;b=2</a></p><p>三</p>'
        '<hr><p style="font-size:13px;color:#555">退订：<a href="https://s.example/u">https://s.example/u</a></p></body></html>'
    )


def test_a_page_without_a_footer_has_no_line_and_its_markup_is_shown_not_run() -> None:
    page = text(parsed(body="<script>alert(1)</script>"), "html")
    assert "<hr>" not in page
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p></body>" in page


@pytest.mark.parametrize(
    ("given_address", "as_sent"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann+tea@Example.com", "Ann+tea@Example.com"),
        ("a.b@a_b.example", "a.b@a_b.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ("a..b@docomo.example", '"a..b"@docomo.example'),
        (".a@docomo.example", '".a"@docomo.example'),
        ("x" * 64 + "@e.example", "x" * 64 + "@e.example"),
        ("a@" + "x" * 63 + ".example", "a@" + "x" * 63 + ".example"),
        ("a@" + ("x" * 49 + ".") * 5 + "abc", "a@" + ("x" * 49 + ".") * 5 + "abc"),
    ],
)
def test_an_address_goes_out_as_smtp_takes_it(given_address: str, as_sent: str) -> None:
    assert mime.address(given_address) == as_sent


@pytest.mark.parametrize(
    "nonsense",
    [
        "", "@", "ann", "ann@", "@example.com", "jane@gmail.com.", "a@.example", "a@b..c", "a@-b.example", "a@b-.example",
        "a b@example.com", "a@b c", "a@b\r\nBcc: x", "a\n@b", "<a@b>", "a,b@c", "a;b@c", "a:b@c", '"a"@b', "a(b)@c", "a[b]@c", "a\\b@c",
        "a@[127.0.0.1]", "a@b@c", "a@b,c@d", "x" * 65 + "@e.example", "茶" * 22 + "@e.example", "a@" + "x" * 64 + ".example",
        "a@" + ("x" * 49 + ".") * 5 + "abcd", "a@" + "x." * 5000, "a@\ud800.example", "\ud800@e.example", "a\x7f@b", "a\x85@b",
    ],
)  # fmt: skip
def test_what_can_be_no_address_is_refused_with_a_reason(nonsense: str) -> None:
    with pytest.raises(ValueError, match=r"is no e-mail address|can't encode"):
        mime.address(nonsense)


ANYTHING = st.text(st.characters(), max_size=60)
NASTY = st.one_of(ANYTHING, st.text('\r\n\x00\x85\u2028:= ?<>"\\@,;.ab茶\ud800', max_size=30))
KNOWN = {
    "from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "mime-version",
    "content-language", "content-type", "x-aigc",
}  # fmt: skip


@given(
    address=st.one_of(NASTY, NASTY.map(lambda local: f"{local}@example.com"), NASTY.map(lambda domain: f"a@{domain}")),
    subject=NASTY,
    body=NASTY,
    name=NASTY,
    language=st.sampled_from(["en", "zh", "x\r\nBcc: a@b"]),
    data=st.dictionaries(st.one_of(st.just("unsubscribe_url"), ANYTHING), st.one_of(st.integers(), NASTY, NASTY.map(lambda t: f"https://a/{t}")), max_size=3),
    run_id=NASTY,
)  # fmt: skip
@example(address="a@b\r\nBcc: x@y", subject="s\r\nBcc: x@y", body="b", name="n\r\nBcc: x@y", language="en", data={"unsubscribe_url": "https://a/\nBcc: x"}, run_id="r\nBcc: x")  # fmt: skip
def test_nothing_that_people_write_forges_a_field_or_stops_more_than_its_message(
    address: str, subject: str, body: str, name: str, language: Any, data: dict[str, Any], run_id: str
) -> None:
    mine = message(address=address, subject=subject, body=body, language=language, data=data, run_id=run_id, proof={"ai_label": 1})  # fmt: skip
    try:
        content = build(mine, Letterhead(sender="news@shop.example", name=name), now=NOW)
    except ValueError:
        return
    mail: ParsedMail = message_from_bytes(content)
    assert {field.lower() for field in mail.keys()} <= KNOWN
    assert len(mail.keys()) == len({field.lower() for field in mail.keys()})
    assert not mail.defects
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert json.loads(mail["X-AIGC"])["ProduceID"] == "m1"
    plain, page = mail.get_payload()
    wanted = "\r\n".join(body.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert plain.get_payload(decode=True).decode() == wanted
    assert page.get_content_type() == "text/html"
