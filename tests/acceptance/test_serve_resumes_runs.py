"""A run is killed in the middle; `zhanggui serve`, in another container, walks it to its end without being told."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from zhanggui.engine import Engine
from zhanggui.touches import flows


def test_a_run_that_was_killed_is_walked_on_by_serve(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    Engine.create(shop)
    with Engine.open(shop) as engine:
        engine.load_sample()
        worker = subprocess.Popen([sys.executable, str(Path(__file__).with_name("run_worker.py")), str(shop)])
        try:
            (run_id,) = _until(lambda: engine.campaigns.all()[0].runs)
            _until(lambda: "decide" in engine.runs.status(run_id).results)
        finally:
            worker.kill()
            worker.wait()
        with (shop / "zhanggui.toml").open("a") as settings:  # templates are enough from here on
            settings.write("[model]\nlanguages = []\n")
        with engine.database.transaction() as connection:  # as if most of the dead owner's term were over
            until = connection.scalar(sa.select(flows.flows.c.owner_until))
            connection.execute(sa.update(flows.flows).values(owner_until=until - timedelta(seconds=35)))
        before = engine.runs.status(run_id)
        assert (before.state, "write" in before.results) == ("running", False)
        command = [sys.executable, "-m", "zhanggui", "serve", "-C", str(shop), "--port", str(_free_port())]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            _until(lambda: engine.runs.status(run_id).state in ("done", "waiting"))
        finally:
            server.terminate()
            try:
                _, told = server.communicate(timeout=60)
            finally:
                server.kill()
        after = engine.runs.status(run_id)
    assert f"run {run_id} was cut off; it goes on" in told
    assert server.returncode == 128 + signal.SIGTERM, "it waited for its worker, whose words ended with it"
    assert after.results["enqueue"]["messages"] > 100
    assert after.results["decide"] == before.results["decide"], "what was done is not done again"


def _until(found: Callable[[], object], seconds: float = 90) -> object:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return value


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
