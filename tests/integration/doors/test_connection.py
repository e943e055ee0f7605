"""Connections of a server that runs here, spoken to by socket: what a client may take its time with, and how many there may be."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from zhanggui.api.connection import Connection
from zhanggui.api.server import options
from zhanggui.config import ApiSettings

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n"
LARGE = 16 * 1024 * 1024
PATIENCE = 20.0
Client = Callable[[], socket.socket]


class Application:
    """Answers by path; `/body` reads the body, `/slow` thinks longer than a head may take, `/large` says a lot at once and
    `/stream` in parts.
    """

    def __init__(self) -> None:
        self.read = 0
        self.clients: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.clients.append(scope["client"][0])
        answer = b"x" * LARGE if scope["path"] in ("/large", "/stream") else scope["path"].encode()
        if scope["path"] == "/slow":
            await asyncio.sleep(0.8)
        if scope["path"] == "/body":
            more = True
            while more:
                message = await receive()
                self.read += len(message.get("body", b""))
                more = message.get("more_body", False)
        length = str(len(answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        step = LARGE // 256 if scope["path"] == "/stream" else len(answer)
        for start in range(0, len(answer), step):
            more = start + step < len(answer)
            await send({"type": "http.response.body", "body": answer[start : start + step], "more_body": more})


@contextmanager
def serving(app: Application | None = None, made: list[Connection] | None = None, **limits: Any) -> Iterator[Client]:
    """A server within such limits; the block gets a function that connects, and `made` the server's connections."""
    served = options(ApiSettings(**{"head_seconds": 0.4, **limits}))
    new = served["http"]

    def connection(**named: Any) -> Connection:
        fresh: Connection = new(**named)
        if made is not None:
            made.append(fresh)
        return fresh

    listener = socket.create_server(("127.0.0.1", 0))
    served |= {"http": connection, "lifespan": "off", "log_level": "critical"}
    server = uvicorn.Server(uvicorn.Config(app or Application(), **served))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    clients: list[socket.socket] = []

    def connect() -> socket.socket:
        clients.append(socket.create_connection(listener.getsockname(), timeout=PATIENCE))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.close()
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def connect() -> Iterator[Client]:
    with serving() as connect:
        yield connect


def get(client: socket.socket, path: str = "/a") -> bytes:
    """The head of a small answer."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return answer(client)


def answer(client: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text and (part := client.recv(4096)):
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length and len(body) < int(length[1]):
        body += client.recv(4096)
    return head


def is_closed(client: socket.socket) -> bool:
    """Whether the server closes it while nothing is sent."""
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /a HTTP/1.1\r\nHost: x\r\nX-"])
def test_half_a_head_is_not_waited_for_for_ever(connect: Client, begun: bytes) -> None:
    client = connect()
    client.sendall(begun)
    assert is_closed(client)


def test_a_head_that_trickles_is_not_waited_for_either(connect: Client) -> None:
    client = connect()
    client.sendall(b"GET /a HTTP/1.1\r\n")
    end = time.monotonic() + PATIENCE
    with pytest.raises(ConnectionError):
        while time.monotonic() < end:
            client.sendall(b"X: y\r\n")
            time.sleep(0.05)


def test_a_connection_is_used_again_and_closed_when_it_is_not(connect: Client) -> None:
    client = connect()
    for _ in range(3):
        assert get(client).startswith(b"HTTP/1.1 200")
    client.sendall(b"GET /a HTTP/1.1\r\n")
    assert is_closed(client)


def test_requests_in_one_go_are_answered_in_turn(connect: Client) -> None:
    client = connect()
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = b""
    while part := client.recv(4096):
        said += part
    assert said.index(b"\r\n\r\n/slow") < said.index(b"\r\n\r\n/a")


def test_who_thinks_longer_than_a_head_may_take_answers_nevertheless(connect: Client) -> None:
    assert get(connect(), "/slow").startswith(b"HTTP/1.1 200")


def test_a_body_is_read_whole_by_who_asks_for_it() -> None:
    app = Application()
    with serving(app) as connect:
        client = connect()
        client.sendall(HEAD.replace(b"/a", b"/body") + b"x" * 8_000_000)
        assert answer(client).startswith(b"HTTP/1.1 200")
        assert get(client).startswith(b"HTTP/1.1 200")
    assert app.read == 8_000_000


def test_a_body_that_nobody_asks_for_is_read_past_and_the_connection_goes_on(connect: Client) -> None:
    client = connect()
    client.sendall(HEAD + b"x" * 8_000_000)
    assert answer(client).startswith(b"HTTP/1.1 200")
    assert get(client).startswith(b"HTTP/1.1 200")


def test_a_body_is_not_parsed_before_somebody_asks_for_it_and_little_of_it_is_read() -> None:
    made: list[Connection] = []
    head = HEAD.replace(b"/a", b"/slow").replace(b"8000000", b"500000")
    with serving(made=made) as connect:
        client = connect()
        for _ in range(2):
            client.sendall(head + b"x" * 500_000)
            time.sleep(0.4)
            assert made[0].cycle.body == b""
            assert len(made[0].conn.trailing_data[0]) <= 8192
            assert answer(client).startswith(b"HTTP/1.1 200")


def test_half_a_body_that_nobody_asks_for_does_not_keep_a_connection_open(connect: Client) -> None:
    client = connect()
    client.sendall(HEAD + b"x" * 100_000)
    assert answer(client).startswith(b"HTTP/1.1 200")
    assert is_closed(client)


@pytest.mark.parametrize("path", ["/large", "/stream"])
def test_a_client_that_does_not_take_its_answer_is_let_go(connect: Client, path: str) -> None:
    client = connect()
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(2)
    with pytest.raises(ConnectionError):
        taken(client)


@pytest.mark.parametrize("path", ["/large", "/stream"])
def test_a_client_that_takes_its_answer_gets_it_whole_however_slowly(path: str) -> None:
    with serving(head_seconds=2) as connect:
        client = connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert taken(client, pause=0.02) > LARGE


def taken(client: socket.socket, *, pause: float = 0) -> int:
    """How much of a large answer comes. Raises ConnectionError when it is cut off."""
    sizes = []
    while part := client.recv(65536):
        sizes.append(len(part))
        time.sleep(pause)
    if sum(sizes) < LARGE:
        raise ConnectionError("cut off")
    return sum(sizes)


def test_an_address_with_too_many_connections_hears_about_health_only() -> None:
    with serving(connections_per_address=2, head_seconds=PATIENCE) as connect:
        first, second = connect(), connect()
        assert get(first).startswith(b"HTTP/1.1 200")
        third = connect()
        assert get(third, "/healthz").startswith(b"HTTP/1.1 200")
        refused = get(third)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in refused.lower()
        assert is_closed(third)
        waiting = connect()
        assert is_closed(waiting), "and its heads have to come quickly"
        assert get(second).startswith(b"HTTP/1.1 200")


def test_closed_connections_make_room() -> None:
    with serving(connections_per_address=1, head_seconds=PATIENCE) as connect:
        for _ in range(3):
            client = connect()
            client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert answer(client).startswith(b"HTTP/1.1 200")
            assert is_closed(client)


def test_a_proxy_is_not_counted() -> None:
    with serving(connections_per_address=1, trusted_proxies=(ip_network("127.0.0.0/8"),)) as connect:
        for client in [connect() for _ in range(4)]:
            assert get(client).startswith(b"HTTP/1.1 200")


def test_when_all_connections_are_taken_the_longest_waiting_is_closed_for_a_new_one() -> None:
    with serving(connections=2, head_seconds=PATIENCE) as connect:
        first, second = connect(), connect()
        assert get(first).startswith(b"HTTP/1.1 200")
        assert get(second).startswith(b"HTTP/1.1 200")
        assert get(connect()).startswith(b"HTTP/1.1 200")
        assert is_closed(first)
        assert get(second).startswith(b"HTTP/1.1 200")


def test_a_connection_that_is_being_answered_is_not_closed_for_a_new_one() -> None:
    with serving(connections=1, head_seconds=PATIENCE) as connect:
        first = connect()
        first.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        assert get(connect()).startswith(b"HTTP/1.1 200")
        assert answer(first).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("proxies", "client"),
    [((), "127.0.0.1"), (("10.0.0.0/8",), "127.0.0.1"), (("127.0.0.0/8",), "198.51.100.1")],
)
def test_the_address_that_a_proxy_names_is_believed_of_a_trusted_one(proxies: tuple[str, ...], client: str) -> None:
    app = Application()
    with serving(app, trusted_proxies=tuple(IPv4Network(proxy) for proxy in proxies)) as connect:
        connection = connect()
        connection.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1, 198.51.100.1\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")
    assert app.clients == [client]
