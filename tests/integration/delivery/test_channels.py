"""E-mail, webhook and folder against real servers that accept, refuse, delay and hang up."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook

from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.email import EmailChannel
from zhanggui.delivery.folder import FolderChannel
from zhanggui.delivery.webhook import WebhookChannel
from zhanggui.errors import DeliveryError
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.storage import Database
from zhanggui.testing import FixedClock
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.permit import Rules

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def message(number: int = 1, **fields: Any) -> Message:
    given: dict[str, Any] = {
        "message_id": f"m{number}",
        "run_id": "run-1",
        "decision_id": "d1",
        "customer_id": "c1",
        "channel": "email",
        "address": "buyer@example.com",
        "purpose": "marketing",
        "language": "zh",
        "subject": "新茶到了\r\nBcc: all@example.com",
        "body": "春天的茶。\n\n--\n退订：https://shop.example/unsubscribe/abc",
        "data": {"unsubscribe_url": "https://shop.example/unsubscribe/abc"},
        "proof": {"ai_label": True},
        "send_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return Message(**given | fields)


class Mailbox:
    """An SMTP server that answers RCPT by what stands before the @."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.asked = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        name = address.partition("@")[0]
        self.asked += 1
        if name.startswith(("4", "5")):
            return f"{name.replace('_', ' ')} no"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str | None:  # noqa: N802
        if envelope.rcpt_tos[0].startswith("drop"):
            server.transport.close()
            return None
        if envelope.rcpt_tos[0].startswith("data"):
            return f"{envelope.rcpt_tos[0][4:7]} not now or never"
        self.taken.append(envelope.content)
        return "250 kept"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def email(port: int) -> EmailChannel:
    return EmailChannel(
        host="127.0.0.1", port=port, sender="shop@example.com", sender_name="掌柜", security="none", timeout_s=5
    )


def outcomes(receipts: list[Receipt]) -> list[tuple[str, str, bool]]:
    return [(one.message_id, one.outcome, one.bad_address) for one in receipts]


def test_each_answer_of_a_mail_server_becomes_its_receipt(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    names = ["a", "550_5.1.1", "450", "drop", "b", "550", "no address", "552_5.2.2"]
    sent = [message(n, address=f"{name}@example.com") for n, name in enumerate(names)]
    assert outcomes(list(email(port).send(sent))) == [
        ("m0", "accepted", False),
        ("m1", "rejected", True),
        ("m2", "retry", False),
        ("m3", "in_doubt", False),
        ("m4", "accepted", False),
        ("m5", "retry", False),
        ("m6", "rejected", False),
        ("m7", "rejected", False),
    ]
    assert len(box.taken) == 2


def test_after_the_message_too_4yz_means_later_and_5yz_never(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    names = ["data451", "data554", "421", "a", "data421", "b"]
    receipts = list(email(port).send([message(n, address=f"{name}@example.com") for n, name in enumerate(names)]))
    assert [one.outcome for one in receipts] == ["retry", "rejected", "retry", "accepted", "retry", "accepted"]
    assert len(box.taken) == 2, "who comes after a 421 gets a new connection"


def test_a_server_that_offers_no_tls_gets_nothing_and_each_message_is_tried_again(
    mailbox: tuple[Mailbox, int], database: Database, tmp_path: Path
) -> None:
    box, port = mailbox
    strict = EmailChannel(host="127.0.0.1", port=port, sender="shop@example.com", security="starttls", timeout_s=5)
    assert outcomes(list(strict.send([message(1), message(2)]))) == [("m1", "retry", False), ("m2", "retry", False)]
    clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    given: dict[str, Any] = {"clock": clock, "settings": DeliverySettings()}
    with database.transaction() as connection:
        lost = message(3, customer_id="c3", address="550_5.1.1@example.com", purpose="service")
        outbox.enqueue(connection, [message(1, purpose="service"), lost], now=clock())
    rules = Rules(limits=ContactLimits(), time_zone="UTC")
    events = EventLog(database, tmp_path / "events", EventSettings())
    assert deliver(database, {"email": strict}, rules, events, **given).outcomes == {"waiting": 2}
    with database.reading() as connection:
        due = outbox.next_due(connection, "run-1")
    assert due is not None
    assert clock() < due < clock() + timedelta(seconds=30)
    assert box.asked == 0
    for _ in range(8):
        clock.advance(timedelta(hours=1))
        deliver(database, {"email": strict}, rules, events, **given)
    clock.advance(timedelta(hours=3))
    assert deliver(database, {"email": email(port)}, rules, events, **given).outcomes == {"sent": 1, "dead": 1}


def test_a_mail_has_the_headers_that_law_and_mailboxes_ask_for(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    list(email(port).send([message()]))
    mail = message_from_bytes(box.taken[0], policy=default)
    assert mail["List-Unsubscribe"] == "<https://shop.example/unsubscribe/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == "<m1@example.com>"
    assert mail["Bcc"] is None
    assert mail["Subject"] == "新茶到了 Bcc: all@example.com"
    assert json.loads(mail["X-AIGC"])["ProduceID"] == "m1"
    page = mail.get_body(("html",))
    assert page is not None
    assert '<a href="https://shop.example/unsubscribe/abc"' in page.get_content()


def test_markup_in_a_body_is_shown_not_run(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    list(email(port).send([message(body="<script>alert(1)</script>")]))
    page = message_from_bytes(box.taken[0], policy=default).get_body(("html",))
    assert page is not None
    assert "<script>" not in page.get_content()


def test_no_server_means_try_again_later() -> None:
    assert outcomes(list(email(1).send([message(), message(2)]))) == [("m1", "retry", False), ("m2", "retry", False)]


@pytest.mark.parametrize(
    "options", [{"sender": "nobody"}, {"security": "none", "user": "u"}, {"password_env": "NOT_SET_ANYWHERE"}]
)
def test_wrong_mail_settings_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(DeliveryError):
        EmailChannel(**{"host": "h", "sender": "a@b.c"} | options)  # type: ignore[arg-type]


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        pass


def test_a_webhook_is_signed_and_its_status_becomes_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.calls = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever).start()
        found = []
        for status in (200, 500, 429, 400, 410):
            url = f"http://127.0.0.1:{server.server_port}/{status}"
            channel = WebhookChannel(url=url, secret_env="HOOK_SECRET", allow_private=True)
            found += [one.outcome for one in channel.send([message()])]
        server.shutdown()
    assert found == ["accepted", "retry", "retry", "rejected", "rejected"]
    headers, body = server.calls[0]  # type: ignore[attr-defined]
    checked = Webhook(SECRET).verify(body, {key.lower(): value for key, value in headers.items()})
    assert checked["data"]["message_id"] == "m1"
    with pytest.raises(Exception, match=r"[Ss]ignature"):
        Webhook(SECRET).verify(body + b" ", {key.lower(): value for key, value in headers.items()})


def test_a_webhook_to_a_private_network_is_refused_unless_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    channel = WebhookChannel(url="http://127.0.0.1:9/", secret_env="HOOK_SECRET")
    assert [(one.outcome, "private" in one.detail) for one in channel.send([message()])] == [("rejected", True)]


def test_a_webhook_whose_name_is_not_resolved_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    channel = WebhookChannel(url="https://hook.invalid/", secret_env="HOOK_SECRET")
    assert [(one.outcome, "hook.invalid" in one.detail) for one in channel.send([message()])] == [("retry", True)]


def test_a_folder_keeps_one_file_a_message(tmp_path: Path) -> None:
    channel = FolderChannel(folder=str(tmp_path / "out"), sender="shop@example.com")
    receipts = list(channel.send([message(1), message(1), message(2)]))
    assert {one.outcome for one in receipts} == {"accepted"}
    assert len(list((tmp_path / "out").glob("*.eml"))) == 2
