"""Files of messages: bad rows are kept aside with their place and reason, good rows go on."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from zhanggui.errors import EventError
from zhanggui.events import EventLog
from zhanggui.events.compact import compact
from zhanggui.events.ingest import IngestResult, ingest_file
from zhanggui.storage import Database, RejectFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def message(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": f"u{number}",
        "messageId": f"good-{number}",
        "timestamp": "2026-02-01T00:00:00Z",
        "properties": {"revenue": 5, "products": [{"product_id": "p"}]},
    } | fields


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
def log(database: Database, tmp_path: Path) -> EventLog:
    return EventLog(database, tmp_path / "log")


def ingest(log: EventLog, path: Path) -> tuple[IngestResult, list[dict[str, Any]]]:
    rejects = path.parent / f"{path.name}.rejects"
    rejects.unlink(missing_ok=True)
    with RejectFile(path=rejects) as file:
        result = ingest_file(path, log, now=NOW, rejects=file)
    text = rejects.read_text(encoding="utf-8") if rejects.exists() else ""
    return result, [json.loads(line) for line in text.splitlines()]


def nested(depth: int) -> bytes:
    return b'{"type":"track","event":"X","userId":"u","properties":{"a":' + b"[" * depth + b"]" * depth + b"}}"


# What is refused: how to make the row, and the field that the reject names.
HOSTILE: list[tuple[Callable[[int], bytes], str]] = [
    (lambda n: b"\xff\xfe" + encoded(message(n)), ""),
    (lambda n: encoded(message(n)).replace(b"Order", b"\xc3\x28rder"), ""),
    (lambda n: encoded(message(n))[:-5], ""),
    (lambda n: encoded([message(n)]), ""),
    (lambda n: b"null", ""),
    (lambda n: b"\x00\x00\x00", ""),
    (lambda n: encoded(message(n)).replace(b"Order", b"\x00rder"), ""),
    (lambda n: b"user,event\r\n"[:10], ""),
    (lambda n: encoded(message(n, properties={"a": "x" * 50_000})), ""),
    (lambda n: encoded(message(n)) + b" " * 200_000 + b"junk", ""),
    (lambda n: encoded(message(n, properties={"a": "\ud83d"})), ""),
    (lambda n: nested(150), "properties.a" + "[0]" * 15),
    (lambda n: nested(5_000), ""),
    (lambda n: encoded(message(n, type="drop table events")), "type"),
    (lambda n: encoded(message(n, type=None)), "type"),
    (lambda n: encoded(message(n, userId={"a": 1})), "userId"),
    (lambda n: encoded(message(n, userId="")), "userId"),
    (lambda n: encoded(message(n, userId="u" * 1_000)), "userId"),
    (lambda n: encoded(message(n, userId="a\x00b")), "userId"),
    (lambda n: encoded(message(n, userId=float("nan"))), "userId"),
    (lambda n: encoded(message(n, messageId="m" * 300)), "messageId"),
    (lambda n: encoded(message(n, event=None)), "event"),
    (lambda n: encoded(message(n, event=["Order Completed"])), "event"),
    (lambda n: encoded(message(n, event="e" * 300)), "event"),
    (lambda n: encoded(message(n, timestamp="9999-12-31T23:59:59Z")), "timestamp"),
    (lambda n: encoded(message(n, timestamp="0001-01-01T00:00:00Z")), "timestamp"),
    (lambda n: encoded(message(n, timestamp="soon")), "timestamp"),
    (lambda n: encoded(message(n, timestamp=12)), "timestamp"),
    (lambda n: encoded(message(n, properties="{}")), "properties"),
    (lambda n: encoded(message(n, traits=[1])), "traits"),
    (lambda n: encoded(message(n, properties={"a": {"b": [float("nan")]}})), "properties.a.b[0]"),
    (lambda n: encoded(message(n, properties={"a": float("inf")})), "properties.a"),
    (lambda n: encoded(message(n)).replace(b'"revenue": 5', b'"revenue": 1e999'), "properties.revenue"),
    (lambda n: encoded(message(n, properties={"revenue": -1})), "properties.revenue"),
    (lambda n: encoded(message(n, properties={"revenue": "=cmd|' /C calc'!A0"})), "properties.revenue"),
    (lambda n: encoded(message(n, properties={"currency": "<b>"})), "properties.currency"),
    (lambda n: encoded(message(n, properties={"products": "p1"})), "properties.products"),
    (lambda n: encoded(message(n, properties={"products": [{"price": -3}]})), "properties.products[0].price"),
    (lambda n: encoded(message(n, properties={"products": [{"quantity": -3}]})), "properties.products[0].quantity"),
    (lambda n: encoded(message(n, properties={"products": [{"price": 1e300}]})), "properties.products[0].price"),
]
# What is made harmless, and what must be true of its stored body.
HARMLESS: list[tuple[Callable[[int], dict[str, Any]], Callable[[dict[str, Any]], bool]]] = [
    (lambda n: message(n, properties={"t": "<script>alert(1)</script>"}), lambda b: "<script>" in b["properties"]["t"]),
    (lambda n: message(n, properties={"t": "a\x00b\x1b[2J"}), lambda b: b["properties"]["t"] == "ab[2J"),
    (lambda n: message(n, properties={"t": "'); DROP TABLE events; --"}), lambda b: "DROP" in b["properties"]["t"]),
    (lambda n: message(n, properties={"t": "Ignore all previous instructions"}), lambda b: True),
    (lambda n: message(n, event="Ours", properties={"products": -5}), lambda b: b["properties"]["products"] == -5),
    (lambda n: message(n, integrations={"x" * 100: 1}, extra=[[[]]]), lambda b: "extra" not in b),
]


def test_a_thousand_hostile_rows_are_rejected_or_made_harmless_and_every_good_row_is_kept(
    log: EventLog, tmp_path: Path
) -> None:
    rng = random.Random(7)
    lines: list[bytes] = []
    expected: list[tuple[int, str]] = []
    kept: set[str] = set()
    checks: dict[str, Callable[[dict[str, Any]], bool]] = {}
    hostile = harmless = duplicates = good = 0
    while hostile + harmless + duplicates < 1_000:
        number = len(lines)
        kind = rng.random()
        if kind < 0.3:
            lines.append(encoded(message(number)))
            kept.add(f"good-{number}")
            good += 1
        elif kind < 0.8:
            make, field = HOSTILE[hostile % len(HOSTILE)]
            lines.append(make(number))
            expected.append((number + 1, field))
            hostile += 1
        elif kind < 0.95 or not kept:
            make_harmless, check = HARMLESS[harmless % len(HARMLESS)]
            lines.append(encoded(make_harmless(number)))
            kept.add(f"good-{number}")
            checks[f"good-{number}"] = check
            harmless += 1
        else:
            lines.append(encoded(message(int(rng.choice(sorted(kept)).removeprefix("good-")))))
            duplicates += 1
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b"\n".join(lines))

    result, rejects = ingest(log, path)
    compact(log, now=NOW)

    assert result == IngestResult(stored=good + harmless, duplicates=duplicates, rejected=hostile)
    assert [(reject["line"], reject["field"]) for reject in rejects] == expected
    assert all(reject["source"] == str(path) and reject["problem"] for reject in rejects)
    assert len(Counter(reject["problem"] for reject in rejects)) >= 15
    with log.read() as events:
        stored = {
            row["message_id"]: json.loads(row["body"])
            for row in events.select("message_id", "body").to_pyarrow().to_pylist()
        }
    assert set(stored) == kept
    assert all(check(stored[message_id]) for message_id, check in checks.items())
    assert ingest(log, path)[0].stored == 0


def test_a_gzipped_file_reads_like_a_plain_one(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"\r\n\r\n".join(encoded(message(n)) for n in range(5))))
    assert ingest(log, path)[0] == IngestResult(stored=5, duplicates=0, rejected=0)


def test_a_cut_off_gzip_keeps_what_came_before(log: EventLog, tmp_path: Path) -> None:
    rng = random.Random(1)
    rows = [message(n, context={"noise": rng.randbytes(200).hex()}) for n in range(500)]
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(map(encoded, rows)))[:60_000])
    result, rejects = ingest(log, path)
    assert 0 < result.stored < 500
    assert [reject["problem"] for reject in rejects] == ["the compressed file is damaged from here"]
    assert rejects[0]["line"] == result.stored + 1


def test_a_file_that_is_not_there_is_said_so(log: EventLog, tmp_path: Path) -> None:
    with pytest.raises(EventError, match=r"gone\.jsonl.*No such file"):
        ingest(log, tmp_path / "gone.jsonl")


def test_progress_ends_at_the_last_line(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(encoded(message(n)) for n in range(7)) + b"\n\n")
    heard: list[int] = []
    with RejectFile(path=tmp_path / "rejects") as rejects:
        ingest_file(path, log, now=NOW, rejects=rejects, progress=heard.append)
    assert heard[-1] == 7
    assert not (tmp_path / "rejects").exists()


def test_a_message_without_an_id_is_stored_once_however_often_its_file_is_read(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encoded({"type": "page", "userId": "u1", "timestamp": "2026-02-01T00:00:00Z"}))
    assert ingest(log, path)[0].stored == 1
    assert ingest(log, path)[0].duplicates == 1
