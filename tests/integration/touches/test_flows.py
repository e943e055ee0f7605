"""Owners of a flow side by side, on both databases; and the runs of an older shop."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import zhanggui.storage
from zhanggui.storage import Database
from zhanggui.storage.database import now
from zhanggui.touches import flows

TTL = timedelta(seconds=45)


def test_the_moment_is_the_databases_and_goes_on_within_a_transaction(database: Database) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with database.transaction() as connection:
        first = now(connection)
        threading.Event().wait(0.005)
        assert before < first < now(connection) < datetime.now(UTC) + timedelta(seconds=1)


def test_of_many_who_ask_at_once_one_gets_the_term(database: Database) -> None:
    with database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="welcome", version=1)
    ready, terms = threading.Barrier(8), list[flows.Term | None]()

    def ask(owner: str) -> None:
        ready.wait()
        with database.transaction() as connection:
            terms.append(flows.acquire(connection, "run", owner, ttl=TTL))

    threads = [threading.Thread(target=ask, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(terms) == 8
    assert sum(term is not None for term in terms) == 1


def test_states_terms_and_counts_are_kept_alike_on_both_databases(database: Database) -> None:
    with database.transaction() as connection:
        flows.open(connection, "run", kind="run", name="welcome", version=1)
        assert flows.open(connection, "run", kind="run", name="other", version=2).name == "welcome"
        term = flows.acquire(connection, "run", "ann", ttl=TTL)
        assert term is not None
        assert flows.rejected(connection, "run") == 1
    with database.transaction() as connection:
        assert flows.lasts(connection, term)
        assert flows.renew(connection, term, ttl=TTL)
        assert flows.acquire(connection, "run", "bob", ttl=TTL) is None
        flows.resign(connection, term)
        assert flows.pause(connection, "run", "see to it")
        assert flows.acquire(connection, "run", "bob", ttl=TTL) is None
        assert flows.resume(connection, "run")
        assert flows.rejected(connection, "run") == 1
        after = flows.acquire(connection, "run", "bob", ttl=TTL)
        assert after is not None
        assert after.since > term.since


@pytest.mark.parametrize(
    ("results", "messages", "state"),
    [
        ({}, [], "running"),
        ({"enqueue": {"messages": 1}}, ["waiting"], "running"),
        ({"enqueue": {"messages": 2}, "deliver": {"sent": 1}}, ["sent", "waiting"], "running"),
        ({"enqueue": {"messages": 3}, "deliver": {"sent": 1}}, ["sent", "refused", "dead"], "done"),
        ({"enqueue": {"messages": 0}, "deliver": {"sent": 0}}, [], "done"),
    ],
)
def test_a_run_of_an_older_shop_is_a_flow_that_stands_where_the_run_stood(
    tmp_path: Path, results: dict[str, object], messages: list[str], state: str
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(zhanggui.storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0011_suppressed_numbers")
        connection.execute(
            sa.text("INSERT INTO runs VALUES ('old', 'welcome', 2, 0, 0, :results, '')"),
            {"results": json.dumps(results)},
        )
        for number, standing in enumerate(messages):
            row = {"id": f"m{number}", "who": f"c{number}", "state": standing}
            connection.execute(
                sa.text(
                    "INSERT INTO outbox (message_id, customer_id, run_id, channel, state, due_at, attempts, in_doubt, reason, document) "
                    "VALUES (:id, :who, 'old', 'email', :state, 0, 0, 0, '', '{}')"
                ),
                row,
            )
        command.upgrade(config, "0014_flows")
        flow = flows.get(connection, "old")
        assert flow == flows.Flow(flow_id="old", kind="run", name="welcome", version=2, state=state, reason="")  # type: ignore[arg-type]
    database.close()
