"""`zhanggui serve` while strangers without a key hold it up: whoever asks whether it is healthy hears that within a second."""

import gzip
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

HALF_HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: shop\r\nX-Half: "
HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: shop\r\n"
HALF_BODY = HEAD + b"Content-Length: 4000000\r\n\r\n" + b"x" * 1_000_000
MEMBERS = gzip.compress(b"") * 195_000
BOMB = gzip.compress(bytes(512 * 1024 * 1024), 1)
CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200_000
WRONG = {"Authorization": "Bearer zg_00000000_x", "Content-Encoding": "gzip"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str, int]]:
    """The port of a live `zhanggui serve`, a write key that it has seen already, and its process id."""
    shop = tmp_path_factory.mktemp("attacked") / "shop"
    cli("init", str(shop))
    with (shop / "zhanggui.toml").open(
        "a", encoding="utf-8"
    ) as settings:  # sooner than by default: the tests wait for it
        settings.write("[api]\nhead_seconds = 4.0\nbody_pause_seconds = 4.0\n")
    key = cli("key", "create", "page", "-C", str(shop)).split()[-1]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with subprocess.Popen([sys.executable, "-m", "zhanggui", "serve", "-C", str(shop), "--port", str(port)]) as process:
        try:
            for _ in range(600):
                try:
                    if healthy(port):
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            else:
                pytest.fail("the server did not start")
            event = {"userId": "customer-1", "event": "Product Viewed"}
            headers = {"Authorization": f"Bearer {key}"}
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/track", json=event, headers=headers, timeout=60)
            assert answer.status_code == 200
            yield port, key, process.pid
        finally:
            process.terminate()


@pytest.fixture
def port(server: tuple[int, str, int]) -> int:
    return server[0]


def cli(*arguments: str) -> str:
    command = [sys.executable, "-m", "zhanggui", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    return done.stdout


ANSWER_S = 1.0


def healthy(port: int, *, seconds: float = ANSWER_S) -> bool:
    """Whether it says so in time; a time-out is an error."""
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=seconds)
    assert answer.status_code == 200, answer.text
    return True


def sent(port: int, said: bytes) -> socket.socket:
    """A connection on which `said` was said, as far as the server took it."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.setblocking(False)
    with suppress(BlockingIOError):
        client.send(said)
    return client


def is_closed(client: socket.socket) -> bool:
    client.settimeout(30)
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_1500_half_heads_do_not_hide_health_and_are_closed(port: int) -> None:
    with ExitStack() as open_ones:
        clients = []
        for number in range(1500):
            clients.append(open_ones.enter_context(sent(port, HALF_HEAD)))
            if number % 100 == 99:
                assert healthy(port)
        assert all(is_closed(client) for client in clients)


def test_100_half_bodies_without_a_key_do_not_hide_health_and_are_closed(port: int) -> None:
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(sent(port, HALF_BODY)) for _ in range(100)]
        for _ in range(5):
            assert healthy(port)
        for client in clients:
            client.settimeout(30)
            assert client.recv(12) == b"HTTP/1.1 401", "the key is asked for before the body"
        assert all(is_closed(client) for client in clients)


def test_100_half_bodies_with_a_write_key_share_a_bounded_memory(server: tuple[int, str, int]) -> None:
    port, key, pid = server
    half = HEAD + f"Authorization: Bearer {key}\r\nContent-Length: 4000000\r\n\r\n".encode() + b"x" * 3_900_000
    before = most = memory(pid)
    answers: list[bytes] = []

    def pour() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(half)
            answers.append(client.recv(12))

    pouring = [threading.Thread(target=pour) for _ in range(100)]
    for thread in pouring:
        thread.start()
    while any(thread.is_alive() for thread in pouring):
        assert healthy(port, seconds=60)
        most = max(most, memory(pid))
    assert len(answers) == 100
    assert set(answers) == {b"HTTP/1.1 503", b"HTTP/1.1 408"}
    assert most - before < 160, "megabytes: 64 of bodies, and what grows with them"


def memory(pid: int) -> int:
    """Megabytes of real memory that a process uses."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def test_gzip_without_a_key_is_not_unpacked_and_does_not_hide_health(port: int) -> None:
    statuses: list[int] = []

    def attack() -> None:
        for body in (MEMBERS, BOMB) * 4:
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/batch", content=body, headers=WRONG, timeout=60)
            statuses.append(answer.status_code)

    while_healthy(port, attack)
    assert set(statuses) == {401, 429}, "wrong keys of one address are limited"
    assert statuses.count(401) == 30


def test_tiny_chunks_without_a_key_do_not_hide_health(port: int) -> None:
    with ExitStack() as open_ones:
        for _ in range(100):
            open_ones.enter_context(sent(port, CHUNKS))
        for _ in range(5):
            assert healthy(port)


def test_a_write_key_unpacks_no_bomb_either(server: tuple[int, str, int]) -> None:
    port, key, _ = server
    headers = {"Authorization": f"Bearer {key}", "Content-Encoding": "gzip"}
    statuses: list[int] = []

    def attack() -> None:
        for body in (MEMBERS, BOMB) * 3:
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/batch", content=body, headers=headers, timeout=60)
            statuses.append(answer.status_code)

    while_healthy(port, attack, seconds=60)
    assert sorted(statuses) == [400] * 24 + [413] * 24


def while_healthy(port: int, attack: Callable[[], None], *, seconds: float = 1) -> None:
    """Attack eight times at once, and ask for health meanwhile."""
    attackers = [threading.Thread(target=attack) for _ in range(8)]
    for attacker in attackers:
        attacker.start()
    while any(attacker.is_alive() for attacker in attackers):
        assert healthy(port, seconds=seconds)
