"""An older shop's outbox and contacts become touches; what waits leaves once under its old id, and old contacts count."""

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from old_databases import migrate_to
from zhanggui.delivery import outbox, pace
from zhanggui.storage import Database
from zhanggui.storage.database import UtcTime
from zhanggui.touches import contacts, touch

HOUR = 3_600_000_000
"""In the database's unit."""


def message(message_id: str, customer_id: str, **given: Any) -> str:
    document = {
        "message_id": message_id, "run_id": "old", "customer_id": customer_id, "channel": "email",
        "address": f"{customer_id}@X.Example", "language": "en", "subject": "s", "body": "b", "purpose": "marketing",
        "decision_id": None, "send_at": None, "expires_at": None, "data": {}, "proof": {},
    }  # fmt: skip
    return json.dumps(document | given)


@pytest.fixture
def shop(empty_database: Database) -> Database:
    database = empty_database
    migrate_to(database, "0011_suppressed_numbers")
    with database.transaction() as connection:
        for number, (who, state) in enumerate(
            [("ann", "waiting"), ("bob", "sent"), ("carl", "refused"), ("dora", "dead"), ("eve", "sending")]
        ):
            row = {"id": f"m-{who}", "who": who, "state": state, "due": number * HOUR, "doc": message(f"m-{who}", who)}
            row |= {"ended": 9 * HOUR if state in ("sent", "refused", "dead") else None}
            row |= {"reason": "no_consent" if state == "refused" else "550" if state == "dead" else ""}
            connection.execute(
                sa.text(
                    "INSERT INTO outbox (message_id, customer_id, run_id, channel, state, due_at, attempts, in_doubt, "
                    "reason, document, ended_at) VALUES (:id, :who, 'old', 'email', :state, :due, 1, 0, :reason, :doc, :ended)"
                ),
                row,
            )
        for who, message_id, purpose in (
            ("bob", "m-bob", "marketing"), ("bob", "long gone", "marketing"), ("eve", "m-eve", "transactional")
        ):  # fmt: skip
            connection.execute(
                sa.text("INSERT INTO contacts VALUES (:who, :id, 'email', :purpose, :at)"),
                {"who": who, "id": message_id, "purpose": purpose, "at": 8 * HOUR},
            )
    database.migrate()
    return database


def test_each_message_of_before_is_a_touch_of_its_run(shop: Database) -> None:
    with shop.reading() as connection:
        rows = {row.customer_id: row for row in connection.execute(sa.select(touch.touches))}
    assert {who: (row.state, row.reason) for who, row in rows.items()} == {
        "ann": ("open", ""), "bob": ("sent", ""), "carl": ("ended", "no_consent"), "dora": ("ended", "550"), "eve": ("open", "")
    }  # fmt: skip
    bob = rows["bob"]
    assert (bob.touch_id, bob.flow, bob.entry, bob.step, bob.purpose) == (
        touch.touch_id("bob", "old"), "old", "run", "message", "marketing"
    )  # fmt: skip
    assert bob.at - UtcTime().process_result_value(0, shop.engine.dialect) == timedelta(hours=9)  # type: ignore[operator]


def test_what_waits_keeps_its_id_and_is_not_planned_anew(shop: Database) -> None:
    with shop.transaction() as connection:
        rows = {row.customer_id: row for row in connection.execute(sa.select(outbox.outbox))}
        waiting = outbox.read(rows["ann"].document)
        assert (rows["ann"].message_id, waiting.message_id) == ("m-ann", "m-ann")
        assert rows["ann"].touch_id == waiting.touch.touch_id
        assert outbox.enqueue(connection, [waiting], now=rows["ann"].due_at) == 0


def test_contacts_of_before_count_on_for_person_and_address(shop: Database) -> None:
    start = UtcTime().process_result_value(0, shop.engine.dialect)
    assert start is not None
    until = start + timedelta(days=1)
    with shop.reading() as connection:
        assert contacts.counts(connection, ["bob", "eve"], since=start, until=until) == {"bob": 2}
        assert contacts.counts_at(connection, "email", ["bob@x.example"], since=start, until=until) == {
            "bob@x.example": 1
        }
        rows = connection.execute(sa.select(contacts.contacts).where(contacts.contacts.c.customer_id == "eve")).all()
    assert [(row.touch_id, row.purpose, row.address) for row in rows] == [
        (touch.touch_id("eve", "old"), "service", "eve@x.example")
    ]


@pytest.mark.parametrize(
    "table", [touch.touches, contacts.contacts, outbox.outbox, pace.paces], ids=lambda one: one.name
)
def test_the_tables_are_as_the_code_declares_them(shop: Database, table: sa.Table) -> None:
    made = sa.inspect(shop.engine)
    assert {column["name"] for column in made.get_columns(table.name)} == set(table.columns.keys())
    own = [index for index in made.get_indexes(table.name) if "duplicates_constraint" not in index]
    assert {(index["name"], *index["column_names"]) for index in own} == {
        (index.name, *index.columns.keys()) for index in table.indexes
    }
    unique = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
    assert [one["column_names"] for one in made.get_unique_constraints(table.name)] == [
        one.columns.keys() for one in unique
    ]
    assert made.get_pk_constraint(table.name)["constrained_columns"] == table.primary_key.columns.keys()
