"""Walks that a killed process left are walked on by the next one, whoever it was that left them."""

import sqlite3
from pathlib import Path

from zhanggui.campaigns.durable import Workflows


def test_walks_that_another_executor_left_go_on_where_they_are_asked_for_and_nowhere_else(tmp_path: Path) -> None:
    file, done = tmp_path / "workflows.db", list[str]()
    steps = {
        name: lambda run_id, name=name: done.append(f"{name} {run_id}") or len(done) for name in ("decide", "send")
    }

    def walk(run_id: str) -> dict[str, int]:
        with Workflows(steps, database_url=f"sqlite:///{file}", lock=tmp_path / "run.lock") as workflows:
            return dict(workflows.run(run_id))

    for run_id in ("one", "two"):
        walk(run_id)
    with sqlite3.connect(file) as connection:  # as a version that named executors by their host left them
        connection.execute("UPDATE workflow_status SET status = 'PENDING', executor_id = 'a-host-that-is-gone'")
        connection.execute("DELETE FROM operation_outputs WHERE function_name = 'send'")
    connection.close()
    done.clear()
    assert walk("one") == {"decide": 1, "send": 1}
    assert done == ["send one"]
    assert walk("two") == {"decide": 3, "send": 2}
    assert done == ["send one", "send two"]
