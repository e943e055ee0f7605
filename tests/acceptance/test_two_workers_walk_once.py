"""Two processes beside one database find a run that was cut off: one of them walks it."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from zhanggui.engine import Engine
from zhanggui.storage import Database
from zhanggui.touches import flows


def test_two_workers_beside_one_database_walk_a_run_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", database.url.render_as_string(hide_password=False))
    shop = tmp_path / "shop"
    Engine.create(shop)
    settings = (shop / "zhanggui.toml").read_text(encoding="utf-8")
    (shop / "zhanggui.toml").write_text(f'{settings}\n[storage]\ndatabase_env = "SHOP_DATABASE"\n', encoding="utf-8")
    with Engine.open(shop) as engine:
        engine.load_sample()
        begun = engine.runs.walks.begin("welcome-back")
        assert begun.own is not None
        with engine.database.transaction() as connection:
            assert flows.renew(connection, begun.own.term, ttl=timedelta(0))  # as if its owner had been killed
        command = [sys.executable, str(Path(__file__).with_name("walk_worker.py")), str(shop)]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
            for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        told = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
        status = engine.runs.status(begun.run_id)
    idle, busy = sorted(told, key=lambda counts: int(counts["texts"]))
    assert idle == {"texts": 0, "sent": []}
    assert busy["texts"] > 0
    assert status.state in ("waiting", "done")
    assert len(busy["sent"]) == len(set(busy["sent"])) == status.results["deliver"]["sent"]
