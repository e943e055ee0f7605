"""Previews, decisions, customers and reports over HTTP: eight at once, and nothing of the shop is another afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from zhanggui.api import create_app
from zhanggui.engine import Engine
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
AT_ONCE = 8
Asked = tuple[str, str, dict[str, Any] | None]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    shop = tmp_path_factory.mktemp("reading") / "shop"
    Engine.create(shop)
    with (shop / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    with Engine.open(shop, clock=FixedClock(NOW)) as engine:
        engine.load_sample()
        yield engine


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    key = engine.keys.create("reader", scope="admin")
    with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def questions(run_id: str) -> list[Asked]:
    """Of each kind two, about other customers and other moments."""
    asked: list[Asked] = []
    for number in range(AT_ONCE // 4):
        customers = [f"customer-{number * 20 + n:03d}" for n in range(1, 21)]
        ask = {
            "campaign": "welcome-back",
            "customer_ids": customers,
            "moment": (NOW - timedelta(hours=number)).isoformat(),
        }
        asked += [
            ("POST", "/v1/decisions", ask),
            ("POST", "/v1/messages", ask),
            ("GET", f"/v1/customers/{customers[0]}", None),
            ("GET", f"/v1/reports/{run_id}", None),
        ]
    return asked


def state_of(engine: Engine) -> dict[str, Any]:
    """What the shop holds: its files, the rows of each table, and which snapshot is in use."""
    files = {
        str(path.relative_to(engine.folder)): path.stat().st_size
        for path in Path(engine.folder).rglob("*")
        if path.is_file() and not path.name.startswith("shop.db")
    }
    with engine.database.reading() as connection:
        tables = [table for table in sa.inspect(connection).get_table_names() if table != "api_keys"]
        rows = {table: connection.execute(sa.text(f"SELECT * FROM {table}")).fetchall() for table in sorted(tables)}
    snapshot = engine.profiles.in_use()
    return {"files": files, "rows": rows, "snapshot": snapshot and snapshot.version}


def test_eight_questions_at_once_are_answered_as_one_after_the_other_and_change_nothing(
    engine: Engine, client: TestClient
) -> None:
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    asked, before = questions(run_id), state_of(engine)

    def answered(question: Asked) -> tuple[int, Any]:
        method, path, body = question
        answer = client.request(method, path, json=body)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        at_once = list(pool.map(answered, asked))
    assert [status for status, _ in at_once] == [200] * len(asked)
    assert at_once == [answered(question) for question in asked]
    assert any(body for (_, path, _), (_, body) in zip(asked, at_once, strict=True) if path == "/v1/messages")
    assert state_of(engine) == before
