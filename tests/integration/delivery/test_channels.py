"""The e-mail channel before another server than our own fake, and with the outbox behind it."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.email import EmailChannel
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.storage import Database
from zhanggui.testing import FixedClock
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.permit import Rules


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
