"""Claims cost the same however many rows there are: both databases answer them by partial indexes, as their plans say."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zhanggui.delivery import claims, outbox
from zhanggui.delivery.outbox import HELD, Lane
from zhanggui.storage import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS = 20_000


@pytest.fixture
def full(database: Database) -> Database:
    """An outbox with as many messages that wait as have been sent, and a few in somebody's hands."""
    rows = [
        {
            "message_id": f"m{number}", "touch_id": f"t{number}", "customer_id": f"c{number}", "run_id": f"r{number % 2}",
            "channel": "email", "state": ("waiting", "sent")[number // 2 % 2], "attempts": 0, "in_doubt": 0, "reason": "",
            "due_at": NOW + timedelta(seconds=number), "document": "{}",
        }
        for number in range(ROWS)
    ]  # fmt: skip
    for row in rows[:20]:
        row["state"] = "sending"
    with database.transaction() as connection:
        connection.execute(sa.insert(outbox.outbox), rows)
        connection.execute(sa.update(outbox.outbox).where(HELD).values(claim="t", lease_until=NOW))
        connection.execute(sa.text("ANALYZE"))
    return database


def plan(connection: sa.Connection, query: sa.Executable) -> str:
    """How the database means to answer a query, with its parameters as the code hands them over."""
    if connection.dialect.name == "sqlite":
        compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
        rows = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}", tuple(compiled.params[name] for name in compiled.positiontup)
        )
        return "\n".join(row.detail for row in rows)
    text = query.compile(connection, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {text}".replace("%", "%%")).scalars())


def test_due_messages_are_found_by_the_index_of_what_waits_already_in_order(full: Database) -> None:
    with full.transaction() as connection:
        found = plan(connection, claims.due("r1", "email", NOW, 50))
    assert "ix_outbox_due" in found
    assert "TEMP B-TREE" not in found
    assert "Sort" not in found
    assert "Seq Scan" not in found


def test_lost_messages_are_found_by_the_index_of_what_is_held(full: Database) -> None:
    with full.transaction() as connection:
        found = plan(connection, claims.lost(NOW))
    assert "ix_outbox_lease" in found
    assert "Seq Scan" not in found


def test_each_lane_is_one_look_into_the_index(full: Database) -> None:
    with full.transaction() as connection:
        found = plan(connection, outbox.next_lane("", ""))
        lanes = list(outbox.lanes(connection))
    assert "ix_outbox_due" in found
    assert "TEMP B-TREE" not in found
    assert "Sort" not in found
    assert lanes == [
        Lane(run_id="r0", channel="email", due_at=NOW + timedelta(seconds=20)),
        Lane(run_id="r1", channel="email", due_at=NOW + timedelta(seconds=21)),
    ]
