"""`/healthz` while everything else is taken: the threads of the routes, the connections to the database, the database itself."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from zhanggui.api import create_app
from zhanggui.engine import Engine

BUSY = 60
"""More than a server has threads for routes."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    Engine.create(tmp_path / "shop")
    with Engine.open(tmp_path / "shop") as engine:
        yield engine


def test_health_does_not_queue_behind_slow_requests(engine: Engine) -> None:
    app: FastAPI = create_app(engine)
    free, asked = threading.Event(), threading.Semaphore(0)

    @app.get("/slow")
    def slow() -> None:
        asked.release()
        free.wait(60)

    async def healthy_meanwhile() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            requests = [asyncio.create_task(client.get("/slow", timeout=60)) for _ in range(BUSY)]
            while not asked.acquire(blocking=False):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            try:
                status = (await client.get("/healthz")).status_code
                assert not any(request.done() for request in requests)
            finally:
                free.set()
            await asyncio.gather(*requests)
            return status

    assert asyncio.run(healthy_meanwhile()) == 200


def test_health_does_not_wait_for_a_connection_that_others_hold(engine: Engine) -> None:
    with ExitStack() as held:
        for _ in range(15):  # of a pool
            held.enter_context(engine.database.engine.connect())
        assert TestClient(create_app(engine)).get("/healthz").status_code == 200


def test_health_does_not_wait_for_a_writer(engine: Engine) -> None:
    with engine.database.transaction():
        assert TestClient(create_app(engine)).get("/healthz").status_code == 200


def test_a_database_that_is_gone_is_no_health(engine: Engine, tmp_path: Path) -> None:
    client = TestClient(create_app(engine))
    assert client.get("/healthz").json() == {"status": "ok", "version": engine.version}
    for file in (tmp_path / "shop" / "data").glob("shop.db*"):
        file.unlink()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert not (tmp_path / "shop" / "data" / "shop.db").exists(), "asking must not make an empty one"
