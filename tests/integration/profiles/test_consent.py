import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zhanggui.profiles.consent import Consent, bases, granted, record
from zhanggui.profiles.consent_file import read_consents
from zhanggui.storage import Database, RejectFile

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SOON = NOW + timedelta(minutes=20)


def said(at: datetime, *, yes: bool = True, purpose: Any = "marketing") -> Consent:
    channel = "*" if purpose == "personalisation" else "email"
    return Consent(
        customer_id="ann", channel=channel, purpose=purpose, granted=yes, at=at, how="form", text="Write to me."
    )


def test_a_consent_of_a_fast_clock_counts_from_its_time_on(database: Database) -> None:
    with database.transaction() as connection:
        assert record(connection, [said(SOON)], now=NOW) == 0
        assert granted(connection, ["ann"], "email", "marketing", at=NOW) == set()
        assert bases(connection, ["ann"], "email", at=NOW) == {}
        assert granted(connection, ["ann"], "email", "marketing", at=SOON) == {"ann"}
        assert bases(connection, ["ann"], "email", at=SOON)["ann"].at == SOON


@pytest.mark.parametrize("purpose", ["marketing", "personalisation"])
def test_a_withdrawal_of_a_fast_clock_counts_at_once(database: Database, purpose: Any) -> None:
    channel = said(NOW, purpose=purpose).channel
    with database.transaction() as connection:
        record(connection, [said(NOW - timedelta(days=1), purpose=purpose)], now=NOW)
        assert granted(connection, ["ann"], channel, purpose, at=NOW) == {"ann"}
        assert record(connection, [said(SOON, yes=False, purpose=purpose)], now=NOW) == 1
        assert granted(connection, ["ann"], channel, purpose, at=NOW) == set()


@pytest.mark.parametrize("last", [False, True])
def test_what_was_said_last_holds_whichever_clock_was_fast(database: Database, last: bool) -> None:
    later = NOW + timedelta(minutes=5)
    with database.transaction() as connection:
        record(connection, [said(SOON, yes=not last)], now=NOW)
        record(connection, [said(later, yes=last)], now=later)
        for at in (later, SOON + timedelta(days=1)):
            assert granted(connection, ["ann"], "email", "marketing", at=at) == ({"ann"} if last else set())


def test_a_file_with_impossible_dates_names_line_field_and_reason(tmp_path: Path) -> None:
    file = tmp_path / "consents.jsonl"
    row = {"customer_id": "ann", "channel": "email", "purpose": "marketing", "granted": True, "how": "f", "text": "t"}
    dates = ["2026-02-28T09:00:00Z", "2062-02-28T09:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]
    file.write_text("".join(json.dumps(row | {"at": at}) + "\n" for at in dates))
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        assert [one.at.year for one in read_consents(file, now=NOW, rejects=rejects)] == [2026]
    refused = [json.loads(line) for line in rejects.path.read_text().splitlines()]
    assert [(one["source"], one["line"], one["field"]) for one in refused] == [(str(file), n, "at") for n in (2, 3, 4)]
    assert "2062-02-28" in refused[0]["problem"]
    assert "future" in refused[0]["problem"]
    assert "future" in refused[1]["problem"]
    assert "before 1990" in refused[2]["problem"]


def test_what_a_database_cannot_keep_is_refused_and_the_rest_is_kept(tmp_path: Path, database: Database) -> None:
    good = {"customer_id": "ann", "channel": "email", "purpose": "marketing", "granted": True, "how": "f", "text": "t"}
    good["at"] = "2026-02-28T09:00:00Z"
    bad = [
        ("customer_id", "x" * 257),
        ("channel", "c" * 64),
        ("customer_id", "a\x00b"),
        ("how", "\x00"),
        ("text", "\ud800"),
    ]
    file = tmp_path / "consents.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*(good | {name: value} for name, value in bad), good]))
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects, database.transaction() as connection:
        assert record(connection, list(read_consents(file, now=NOW, rejects=rejects)), now=NOW) == 1
    refused = [json.loads(line) for line in rejects.path.read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in refused] == [(n, name) for n, (name, _) in enumerate(bad, 1)]
