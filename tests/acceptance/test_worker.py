"""`zhanggui worker` does by itself what is due, beside no server, and ends when it is told to."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from zhanggui.engine import Engine


def test_a_worker_walks_on_with_what_was_cut_off_builds_profiles_and_ends_on_sigterm(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    Engine.create(shop)
    with (shop / "zhanggui.toml").open("a") as settings:
        settings.write(
            "[model]\nlanguages = []\n[worker]\nbuild_seconds = 0.5\nprune_seconds = 0.5\nkeep_snapshots = 1\n"
        )
    with Engine.open(shop) as engine:
        engine.load_sample()
        first = engine.profiles.latest().version
        begun = engine.runs.walks.begin("welcome-back")
        assert begun.own is not None
        with begun.own:  # and nobody walks it
            pass
        worker = subprocess.Popen(
            [sys.executable, "-m", "zhanggui", "worker", "-C", str(shop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _until(lambda: engine.runs.status(begun.run_id).state in ("done", "waiting"))
            _until(lambda: first not in _snapshots(engine))
        finally:
            worker.send_signal(signal.SIGTERM)
            try:
                told, problems = worker.communicate(timeout=60)
            finally:
                worker.kill()
        assert engine.runs.status(begun.run_id).results["enqueue"]["messages"] > 100
        assert worker.returncode == 0
        assert "at work" in told
        assert problems.splitlines() == [f"resume: run {begun.run_id} was cut off; it goes on"]
        with engine.database.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM event_files").scalar(), "nothing is in Parquet"


def _snapshots(engine: Engine) -> list[str]:
    return [artifact.version for artifact in engine.runs.parts.artifacts.versions("profiles")]


def _until(found: Callable[[], object], seconds: float = 90) -> object:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return value
