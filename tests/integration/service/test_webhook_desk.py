"""The service desk of the shop's own system: asked once a key by a signed webhook, and its answer written down."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from http_servers import SilentHandler, serving
from zhanggui.access.signed_post import SignedPost
from zhanggui.service import desk_actions, order_store
from zhanggui.service.desk import Action, Cancel, ChangeAddress, DeskReceipt, DeskRequest, ExchangeItems
from zhanggui.service.desk_actions import DeskAction
from zhanggui.service.proof import Proof
from zhanggui.service.table_desk import taken_up
from zhanggui.service.webhook_desk import WebhookDesk
from zhanggui.storage import Database
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANN = Proof(kind="token", customer_id="ann")
Answer = tuple[int, Any]


class Shop(ThreadingHTTPServer):
    """The shop's own system: gives its answers in turn, the last one over again; None hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Answer | None] = [(200, {})]

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]


class _Handler(SilentHandler):
    protocol_version = "HTTP/1.1"
    server: Shop

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            self.close_connection = True
            return
        content = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving(Shop()) as server:
        yield server


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_SECRET", SECRET)


def desk(database: Database, shop: Shop, *, port: int | None = None, pauses: list[float] | None = None) -> WebhookDesk:
    clock = FixedClock(NOW)
    post = SignedPost(
        url=f"http://127.0.0.1:{port or shop.server_address[1]}/desk",
        secret_env="DESK_SECRET",
        timeout_s=5.0,
        allow_private=True,
        clock=clock,
        by="the service desk",
    )
    waited = pauses if pauses is not None else []
    return WebhookDesk(database=database, clock=clock, post=post, currency="USD", sleep=waited.append)


def asked(action: Action | None = None, *, key: str = "k", order_id: str = "w1001", yes: bool = True) -> DeskRequest:
    return DeskRequest(key=key, order_id=order_id, action=action or Cancel(), proof=ANN, confirmed=yes)


def done(database: Database, shop: Shop, request: DeskRequest | None = None) -> DeskReceipt:
    (receipt,) = desk(database, shop).perform([request or asked()])
    return receipt


def written(database: Database) -> list[DeskAction]:
    with database.reading() as connection:
        return desk_actions.of_order(connection, "#W1001")


def state(database: Database) -> str:
    with database.reading() as connection:
        order = order_store.find(connection, "#W1001")
    assert order is not None
    return order.state


def test_a_request_is_signed_and_says_what_is_asked(orders: Database, shop: Shop) -> None:
    swap = ExchangeItems(item_ids=("cup-s",), new_item_ids=("cup-m",))
    done(orders, shop, asked(swap))
    ((headers, body),) = shop.calls
    assert headers["webhook-id"] == "k"
    # The library checks the signature against the clock of the machine; the signer's own clock stands still here.
    signed = Webhook(SECRET).sign("k", NOW, body.decode())
    assert headers["webhook-signature"] == signed
    assert json.loads(body) == {
        "type": "order.exchange_items",
        "timestamp": NOW.isoformat(),
        "data": {
            "key": "k",
            "order_id": "#W1001",
            "customer_id": "ann",
            "proof": "token",
            "action": {"kind": "exchange_items", "item_ids": ["cup-s"], "new_item_ids": ["cup-m"]},
            "balance": "2.50",
            "currency": "USD",
        },
    }


def test_an_order_stands_as_the_answer_has_it(orders: Database, shop: Shop) -> None:
    shop.answers = [(200, {"outcome": "done", "detail": "C-77", "order": {"order_id": "#W1001", "state": "cancelled"}})]
    receipt = done(orders, shop)
    assert (receipt.outcome, receipt.detail) == ("done", "C-77")
    assert receipt.order is not None
    assert receipt.order.state == state(orders) == "cancelled"
    (action,) = written(orders)
    assert (action.outcome, action.detail, action.sent) == ("done", "C-77", 1)


def test_the_shop_need_not_say_anything_and_then_the_order_stays_as_it_was(orders: Database, shop: Shop) -> None:
    shop.answers = [(204, b"")]
    assert done(orders, shop).outcome == "done"
    assert state(orders) == "pending"


@pytest.mark.parametrize(
    "order", [{"order_id": "#W2001", "state": "cancelled"}, {"order_id": "#W1001", "state": "?"}, [], "x"]
)
def test_an_order_in_an_answer_that_cannot_be_read_is_left_out_and_that_is_said(
    orders: Database, shop: Shop, order: Any
) -> None:
    shop.answers = [(200, {"order": order})]
    receipt = done(orders, shop)
    assert receipt.outcome == "done"
    assert "its order was left out" in receipt.detail
    assert state(orders) == "pending"


def test_a_key_is_posted_once(orders: Database, shop: Shop) -> None:
    first, again = done(orders, shop), done(orders, shop)
    assert first == again
    assert len(shop.calls) == 1


def test_without_a_yes_or_a_proof_or_where_rules_forbid_it_the_shop_hears_nothing(orders: Database, shop: Shop) -> None:
    assert done(orders, shop, asked(yes=False)).outcome == "unconfirmed"
    assert done(orders, shop, asked(order_id="W2001", key="2")).reason == "no_such_order"
    assert done(orders, shop, asked(order_id="W1002", key="3")).reason == "not_pending"
    assert shop.calls == []


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ((200, {"outcome": "refused", "detail": "too late"}), "refused", "shop_refused"),
        ((409, {"detail": "too late"}), "refused", "shop_refused"),
        ((422, b"no"), "refused", "shop_refused"),
        ((401, {}), "refused", "unreachable"),
        ((302, {}), "refused", "unreachable"),
        ((500, {}), "in_doubt", ""),
        ((504, b"<html>"), "in_doubt", ""),
        (None, "in_doubt", ""),
    ],
)
def test_what_an_answer_means(orders: Database, shop: Shop, answer: Answer | None, outcome: str, reason: str) -> None:
    shop.answers = [answer]
    receipt = done(orders, shop)
    assert (receipt.outcome, receipt.reason) == (outcome, reason)
    assert len(shop.calls) == 1, "what may have been taken is never posted again"
    assert done(orders, shop) == receipt
    assert len(shop.calls) == 1


def test_what_was_surely_not_taken_is_posted_again_under_the_same_id(orders: Database, shop: Shop) -> None:
    shop.answers = [(503, {}), (429, {}), (200, {})]
    pauses: list[float] = []
    (receipt,) = desk(orders, shop, pauses=pauses).perform([asked()])
    assert receipt.outcome == "done"
    assert [headers["webhook-id"] for headers, _ in shop.calls] == ["k"] * 3
    assert pauses == [0.5, 2.0]
    assert written(orders)[0].sent == 3


def test_a_shop_that_is_not_there_refuses_and_that_is_said(orders: Database, shop: Shop) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as gone:
        port = int(gone.server_address[1])
    (receipt,) = desk(orders, shop, port=port).perform([asked()])
    assert (receipt.outcome, receipt.reason) == ("refused", "unreachable")
    assert "ConnectError" in receipt.detail


def test_a_request_whose_worker_was_killed_on_the_way_is_in_doubt_and_not_posted_again(
    orders: Database, shop: Shop
) -> None:
    with orders.transaction() as connection:
        taken_up(connection, asked(), now=NOW)
    assert done(orders, shop).outcome == "in_doubt"
    assert shop.calls == []


def test_two_workers_post_a_request_once(orders: Database, shop: Shop) -> None:
    start, receipts = threading.Barrier(2), list[DeskReceipt]()

    def work() -> None:
        start.wait(60)
        receipts.append(done(orders, shop, asked(ChangeAddress(address={"street": "Elm 3"}))))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shop.calls) == 1
    assert {one.outcome for one in receipts} <= {"done", "in_doubt"}
    assert written(orders)[0].outcome == "done"
