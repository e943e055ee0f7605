"""The shop's own desk is told of a hand-over by a signed webhook, once, and again while it does not take it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import HTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from http_servers import SilentHandler, serving
from talking_shop import talking_shop
from zhanggui.engine import Engine
from zhanggui.testing import FixedClock

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
SECRET_ENV = "ZHANGGUI_HAND_OVER_SECRET"


class Desk:
    """A desk that answers with `status` and remembers what it was told."""

    def __init__(self) -> None:
        self.status, self.told = 200, list[tuple[dict[str, str], bytes]]()
        desk = self

        class Handler(SilentHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                desk.told.append((dict(self.headers.items()), body))
                self.send_response(desk.status)
                self.end_headers()

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/handovers"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with serving(desk.server):
        yield desk


@pytest.fixture
def shop(desk: Desk, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    settings = f'[conversation]\nhand_over_url = "{desk.url}"\nhand_over_allow_private = true\n'
    with talking_shop(tmp_path / "shop", settings=settings) as engine:
        yield engine


def test_a_desk_is_told_once_signed_and_without_what_was_said(shop: Engine, desk: Desk) -> None:
    talk = shop.conversations.start().conversation_id
    shop.conversations.turn(talk, "my mail is a@example.com, let me talk to a person")
    assert shop.conversations.tell_hand_overs() == 1
    assert shop.conversations.tell_hand_overs() == 0
    ((headers, body),) = desk.told
    now = shop.clock()
    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert headers["webhook-signature"] == Webhook(SECRET).sign(headers["webhook-id"], now, body.decode())
    told = json.loads(body)
    assert told["type"] == "conversation.handed_over"
    assert told["data"] == {"conversation_id": talk, "turn": 1, "asked_at": now.isoformat()}


def test_a_desk_that_fails_is_told_again_later_with_the_same_id(shop: Engine, desk: Desk) -> None:
    shop.conversations.turn(shop.conversations.start().conversation_id, "转人工")
    desk.status = 500
    assert shop.conversations.tell_hand_overs() == 0
    desk.status = 200
    assert shop.conversations.tell_hand_overs() == 0  # it is not due yet
    clock = shop.clock
    assert isinstance(clock, FixedClock)
    clock.advance(timedelta(minutes=1))
    assert shop.conversations.tell_hand_overs() == 1
    assert len({headers["webhook-id"] for headers, _ in desk.told}) == 1


def test_outside_the_office_hours_it_is_said_when_a_person_answers(shop: Engine) -> None:
    clock = shop.clock
    assert isinstance(clock, FixedClock)
    clock.advance(timedelta(hours=12))
    talk = shop.conversations.start().conversation_id
    assert "after 09:00 on Wednesday" in shop.conversations.turn(talk, "a real person please").answer
