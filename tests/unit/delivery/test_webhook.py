"""Webhooks against a real receiver: signed, never twice by accident, and slower when the receiver asks for it."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from example_messages import message
from http_servers import SilentHandler, serving
from zhanggui.access.signed_post import refuse_private
from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.delivery.webhook import WebhookChannel, receipt, rest_seconds
from zhanggui.errors import DeliveryError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """Answers with `answer` (status, headers, body) and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.behaviour = "answer"
        self.connections = self.answered = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(SilentHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status, headers, content = self.server.answer
        if self.server.behaviour == "hang up":
            self.close_connection = True
            return
        if self.server.behaviour == "late":
            time.sleep(0.6)
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.behaviour == "endless":
            with suppress(OSError):
                for _ in range(2_000):
                    self.wfile.write(b"x" * 65_536)
                    self.server.answered += 1
            self.close_connection = True
        self.wfile.write(content)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as server:
        yield server


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def channel(receiver: Receiver, **options: Any) -> WebhookChannel:
    given: dict[str, Any] = {
        "url": f"http://127.0.0.1:{receiver.server_port}/hook?a=1",
        "secret_env": "HOOK_SECRET",
        "allow_private": True,
    }
    return WebhookChannel(**given | options)


def only(receipts: Iterator[Receipt]) -> Receipt:
    (receipt,) = receipts
    return receipt


def test_each_message_is_posted_signed_as_of_now_over_one_connection(receiver: Receiver) -> None:
    hook = channel(receiver)
    assert isinstance(hook, Channel)
    receiver.answer = (200, {}, b"thank you")
    before = datetime.now(UTC).replace(microsecond=0)
    receipts = list(hook.send([message(body="春"), message(message_id="m2")]))
    assert receipts == [Receipt(message_id=name, outcome="accepted", detail="HTTP 200") for name in ("m1", "m2")]
    headers, body = receiver.calls[0]
    assert headers["webhook-id"] == "m1"
    assert headers["content-type"] == "application/json"
    assert before <= datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC) <= datetime.now(UTC)
    verified = Webhook(SECRET).verify(body, headers)
    assert verified["type"] == "message.send"
    assert (verified["data"]["address"], verified["data"]["body"]) == ("buyer@example.com", "春")
    assert "春".encode() in body
    with pytest.raises(Exception, match=r"[Ss]ignature"):
        Webhook(SECRET).verify(body + b" ", headers)
    assert receiver.connections == 1


def test_the_moment_in_a_webhook_is_when_it_is_sent(receiver: Receiver) -> None:
    list(channel(receiver, clock=lambda: NOW).send([message(send_at=NOW - timedelta(days=3))]))
    assert receiver.calls[0][0]["webhook-timestamp"] == str(int(NOW.timestamp()))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_accepts(status: int) -> None:
    assert receipt("m1", status, "", now=NOW) == Receipt(message_id="m1", outcome="accepted", detail=f"HTTP {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_go_well_later_is_tried_again(status: int) -> None:
    assert receipt("m1", status, "", now=NOW) == Receipt(message_id="m1", outcome="retry", detail=f"HTTP {status}")


@pytest.mark.parametrize("status", [199, 300, 301, 302, 307, 308, 400, 404, 410, 413, 422, 501, 505])
def test_what_will_not_go_well_later_is_rejected_for_this_message(status: int) -> None:
    assert receipt("m1", status, "9", now=NOW) == Receipt(message_id="m1", outcome="rejected", detail=f"HTTP {status}")


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_receiver_that_does_not_believe_the_shop_blames_the_shop(status: int) -> None:
    given = receipt("m1", status, "9", now=NOW)
    assert given == Receipt(message_id="m1", outcome="retry", detail=f"HTTP {status}", policy=True)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = (307, {"Location": f"http://127.0.0.1:{receiver.server_port}/other"}, b"")
    assert only(channel(receiver).send([message()])).outcome == "rejected"
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("86400", 86400.0),
        ("86401", 86400.0),
        ("999999999999999999", 86400.0),
        ("Sun, 01 Mar 2026 08:02:00 GMT", 120.0),
        ("Sunday, 01-Mar-26 08:02:00 GMT", 120.0),
        ("Sun Mar  1 08:02:00 2026", 120.0),
        ("Sun, 01 Mar 2026 16:02:00 +0800", 120.0),
        ("Sun, 01 Mar 2026 07:00:00 GMT", 0.0),
        ("Mon, 01 Mar 2027 07:00:00 GMT", 86400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("１２", None),
        ("9" * 19, None),
        ("Sun, 99 Mar 2026 08:02:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(retry_after: str, seconds: float | None) -> None:
    assert rest_seconds(retry_after, now=NOW) == seconds


@pytest.mark.parametrize(("status", "rest"), [(429, 7.0), (503, 7.0), (500, None), (502, None)])
def test_a_receiver_that_asks_for_a_rest_gets_it(receiver: Receiver, status: int, rest: float | None) -> None:
    receiver.answer = (status, {"Retry-After": "7"}, b"")
    given = only(channel(receiver).send([message()]))
    assert (given.outcome, given.slow_down_seconds) == ("retry", rest)


def test_a_date_to_come_back_at_is_counted_from_now(receiver: Receiver) -> None:
    receiver.answer = (503, {"Retry-After": "Sun, 01 Mar 2026 08:01:00 GMT"}, b"")
    assert only(channel(receiver, clock=lambda: NOW).send([message()])).slow_down_seconds == 60.0


@pytest.mark.parametrize("behaviour", ["hang up", "late"])
def test_without_an_answer_to_a_whole_request_a_message_is_in_doubt(receiver: Receiver, behaviour: str) -> None:
    receiver.behaviour = behaviour
    given = only(channel(receiver, timeout_s=0.2).send([message()]))
    assert (given.outcome, given.policy) == ("in_doubt", False)
    assert len(receiver.calls) == 1


def test_without_a_connection_a_message_goes_again(receiver: Receiver) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert only(channel(receiver, url=f"http://127.0.0.1:{port}/").send([message()])).outcome == "retry"


def test_a_request_that_was_cut_off_in_the_middle_goes_again(receiver: Receiver) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        long = message(body="x" * 20_000_000)
        assert only(channel(receiver, url=url, timeout_s=0.2).send([long])).outcome == "retry"


def test_an_answer_without_an_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.behaviour, receiver.answer = "endless", (200, {"Content-Length": str(2_000 * 65_536)}, b"")
    first, second = channel(receiver).send([message(), message(message_id="m2")])
    assert (first.outcome, second.outcome) == ("accepted", "accepted")
    assert receiver.answered < 4_000


def test_no_proxy_of_the_environment_stands_between(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert only(channel(receiver).send([message()])).outcome == "accepted"


def test_the_status_counts_though_the_rest_of_the_answer_never_comes(receiver: Receiver) -> None:
    receiver.answer = (200, {"Content-Length": "1000"}, b"only this")
    first, second = channel(receiver, timeout_s=0.2).send([message(), message(message_id="m2")])
    assert (first.outcome, second.outcome) == ("accepted", "accepted")


@pytest.mark.parametrize(
    "broken",
    [{"body": "\ud800"}, {"data": {"points": float("nan")}}, {"data": {"x": object()}}, {"message_id": "茶"}],
)
def test_a_message_that_json_cannot_say_ends_with_a_reason_and_the_others_leave(
    receiver: Receiver, broken: dict[str, Any]
) -> None:
    first, second = channel(receiver).send([message(**broken), message()])
    assert (first.outcome, first.policy, first.bad_address) == ("rejected", False, False)
    assert first.message_id == message(**broken).message_id
    assert first.detail.startswith("no webhook can be made of it: ")
    assert second.outcome == "accepted"
    assert json.loads(receiver.calls[0][1])["data"]["message_id"] == "m1"


def test_a_private_network_is_refused_unless_meant(receiver: Receiver) -> None:
    given = only(channel(receiver, allow_private=False).send([message()]))
    detail = "127.0.0.1 is on a private network; set allow_private if that is meant"
    assert given == Receipt(message_id="m1", outcome="rejected", detail=detail)
    assert receiver.calls == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0"]
)
def test_an_address_that_only_this_network_knows_is_private(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"^\S+ is on a private network; set allow_private if that is meant$"):
        refuse_private(f"https://{host}:8443/hook")


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]"])
def test_an_address_of_the_whole_internet_is_not(host: str) -> None:
    refuse_private(f"https://{host}/hook")


def test_a_name_that_is_not_resolved_means_try_again_later(receiver: Receiver) -> None:
    given = only(channel(receiver, url="https://hook.invalid/", allow_private=False).send([message()]))
    assert (given.message_id, given.outcome) == ("m1", "retry")
    assert given.detail.startswith("hook.invalid has no address: ")


@pytest.mark.parametrize(
    "url", ["", "hook", "ftp://a.example/", "http://", "https:///x", "http://a.example:port/", "http://[::1/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(DeliveryError, match="web address"):
        WebhookChannel(url=url, secret_env="HOOK_SECRET")


def test_a_missing_or_broken_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeliveryError, match="NOT_SET"):
        WebhookChannel(url="https://a.example/", secret_env="NOT_SET")
    monkeypatch.setenv("HOOK_SECRET", "whsec_a")
    with pytest.raises(DeliveryError, match="base64"):
        WebhookChannel(url="https://a.example/", secret_env="HOOK_SECRET")
