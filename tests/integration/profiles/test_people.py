"""On both databases: who is who is learned as events are stored, and asked for when it counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from zhanggui.events.event import Event
from zhanggui.events.ingest import ingest_file
from zhanggui.events.log import EventLog
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database, RejectFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(database: Database, tmp_path: Path) -> EventLog:
    return EventLog(database, tmp_path / "log", heard=identity.hear)


def event(number: int, kind: Any, **fields: Any) -> Event:
    at = NOW + timedelta(minutes=number)
    return Event(message_id=f"m{number}", type=kind, timestamp=at, received_at=at, **fields)


EVENTS = [
    event(1, "identify", user_id="guest", anonymous_id="d", traits={"email": "Ann@x.example"}),
    event(2, "track", user_id="guest", anonymous_id="d", name="Ours"),
    event(3, "track", user_id="guest", anonymous_id="d", name="Ours"),
    event(4, "alias", user_id="ann", previous_id="guest"),
    event(5, "alias", user_id="guest", previous_id="ann"),
    event(6, "identify", user_id="bob", anonymous_id="d", traits={"email": "ann@X.example", "phone": 5}),
    event(7, "identify", anonymous_id="e", traits={"email": "news@x.example"}),
    event(8, "identify", user_id="nel", anonymous_id="e"),
    event(9, "identify", user_id="nel", traits={"email": "eve@x.example"}, trust="write"),
]


def test_events_teach_who_is_who_in_the_transaction_that_stores_them(log: EventLog) -> None:
    with pytest.raises(RuntimeError), log.database.transaction() as connection:
        log.append(connection, EVENTS, now=NOW)
        raise RuntimeError
    with log.database.transaction() as connection:
        assert identity.persons_of(connection, ["ann"]) == {"ann": "ann"}
        log.append(connection, EVENTS, now=NOW)
        log.append(connection, EVENTS, now=NOW)
        ids = ["ann", "bob", "email:news@x.example"]
        assert identity.persons_of(connection, ids) == dict(zip(ids, ["guest", "bob", "nel"], strict=True))
        assert identity.addresses(connection, ["ann", "nel"], "email") == {
            "ann": "Ann@x.example",
            "nel": "news@x.example",
        }
        assert identity.customers_at(connection, "email", "ANN@x.example") == ["bob", "guest"]
        assert [span["owner"] for span in identity.resolve(connection).devices.to_pylist()] == ["guest", "bob", "nel"]


def test_a_withdrawal_at_a_mailbox_holds_for_everyone_there(log: EventLog) -> None:
    said = {"channel": "email", "purpose": "marketing", "how": "form", "text": "Yes."}
    with log.database.transaction() as connection:
        log.append(connection, EVENTS, now=NOW)
        for who, granted, hours in (("ann", True, 5), ("bob", True, 4), ("guest", False, 3)):
            statement: Any = {**said, "customer_id": who, "granted": granted, "at": NOW - timedelta(hours=hours)}
            consent.record(connection, [Consent(**statement)], now=NOW)
        where = identity.addresses(connection, ["ann", "bob"], "email")
        assert consent.granted(connection, ["ann", "bob"], "email", "marketing", at=NOW, addresses=where) == set()
        assert consent.granted(connection, ["ann", "bob"], "email", "marketing", at=NOW) == {"bob"}
        opened: Any = {**said, "customer_id": "bob", "granted": True, "at": NOW, "address": "ann@x.example"}
        consent.record(connection, [Consent(**opened)], now=NOW)
        assert consent.granted(connection, ["ann", "bob"], "email", "marketing", at=NOW, addresses=where) == {"bob"}


def test_a_file_teaches_with_each_part_of_it(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "identify", "userId": 17850.0, "traits": {"email": "a@x.example"}}\n' * 3)
    with RejectFile(path=tmp_path / "rejects") as rejects:
        assert ingest_file(path, log, now=NOW, rejects=rejects).stored == 1
    with log.database.reading() as connection:
        assert identity.addresses(connection, ["17850"], "email") == {"17850": "a@x.example"}
        assert connection.scalar(sa.text("SELECT trust FROM events")) == "file"
