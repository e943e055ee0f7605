"""API keys as an operator makes them and a client uses them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.engine import Engine

EVENT = {"userId": "customer-1", "event": "Product Viewed"}
PAGE = {"Origin": "https://shop.example.com"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Engine.create(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def client(shop: Path) -> Iterator[TestClient]:
    with Engine.open(shop) as engine, TestClient(create_app(engine)) as client:
        yield client


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == code, done.output
    return done.output


def made(shop: Path, scope: str) -> str:
    return run("key", "create", f"the {scope} key", "--scope", scope, "-C", str(shop)).split()[-1]


def track(client: TestClient, key: str, headers: dict[str, str] | None = None) -> int:
    answer = client.post("/v1/track", json=EVENT, headers={"Authorization": f"Bearer {key}", **(headers or {})})
    return answer.status_code


@pytest.mark.parametrize(("scope", "administers"), [("write", 403), ("server", 403), ("admin", 200)])
def test_every_key_may_send_events_and_only_an_admin_key_the_rest(
    shop: Path, client: TestClient, scope: str, administers: int
) -> None:
    key = made(shop, scope)
    assert track(client, key) == 200
    assert client.get("/v1/campaigns", headers={"Authorization": f"Bearer {key}"}).status_code == administers
    assert scope in run("key", "list", "-C", str(shop))


def test_there_is_no_other_scope(shop: Path) -> None:
    assert "server" in run("key", "create", "k", "--scope", "root", "-C", str(shop), code=2)


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("warning", "--scope server")), ("zh", ("警告", "--scope server"))]
)
def test_check_warns_of_a_write_key_that_something_other_than_a_page_sends_with(
    shop: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", language)
    page, server = made(shop, "write"), made(shop, "server")
    assert track(client, page, PAGE) == track(client, server) == 200
    assert words[0] not in run("check", "-C", str(shop))
    assert track(client, page) == 200
    told = run("check", "-C", str(shop))
    for word in (*words, page.split("_")[1], "the write key"):
        assert word in told
    assert told.count(words[0]) == 1
    run("key", "revoke", page.split("_")[1], "-C", str(shop))
    assert words[0] not in run("check", "-C", str(shop))


def test_forwarded_addresses_are_not_read_unless_a_proxy_is_trusted(shop: Path) -> None:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    from zhanggui.config import load

    with (shop / "zhanggui.toml").open("a") as settings:
        settings.write('[api]\nwrong_keys_per_minute = 1\ntrusted_proxies = ["10.0.0.0/8", "192.0.2.7"]\n')
    proxies = [str(network) for network in load(shop).api.trusted_proxies]
    assert proxies == ["10.0.0.0/8", "192.0.2.7/32"]
    with Engine.open(shop) as engine:
        behind = ProxyHeadersMiddleware(create_app(engine), trusted_hosts=proxies)  # type: ignore[arg-type]

        def wrong(client: str, forwarded: str) -> int:
            asked = TestClient(behind, client=(client, 1))  # type: ignore[arg-type]
            return track(asked, "wrong", {"X-Forwarded-For": forwarded})

        assert [wrong("10.1.2.3", "198.51.100.1"), wrong("10.1.2.3", "198.51.100.1")] == [401, 429]
        assert wrong("10.1.2.3", "198.51.100.2") == 401
        assert [wrong("198.51.100.9", "198.51.100.3"), wrong("198.51.100.9", "198.51.100.4")] == [401, 429]
