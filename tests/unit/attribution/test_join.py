"""What customers did after a decision: counted within the window, once, for the right decision and person."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa

from zhanggui.attribution.join import join
from zhanggui.attribution.reward import SCHEMA
from zhanggui.events.event import LOG_SCHEMA
from zhanggui.profiles.resolution import DEVICES_SCHEMA, PERSONS_SCHEMA, Resolution

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
LATER = AT + 30 * DAY
DECIDED = pa.schema(
    [
        pa.field("decision_id", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("arm", pa.dictionary(pa.int8(), pa.string())),
        pa.field("intended_id", pa.string()),
        pa.field("decided_at", pa.timestamp("us", tz="UTC")),
    ]
)


def _decision(who: str = "ann", *, at: datetime = AT, arm: str = "treated", name: str = "") -> dict[str, Any]:
    return {
        "decision_id": name or f"d-{who}",
        "customer_id": who,
        "arm": arm,
        "intended_id": f"action-{who}",
        "decided_at": at,
    }


def _event(name: str, who: str = "ann", *, at: datetime = AT + DAY, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {field.name: None if field.nullable else "" for field in LOG_SCHEMA}
    for field in LOG_SCHEMA:
        if not field.nullable and not pa.types.is_string(field.type):
            fields[field.name] = at if pa.types.is_timestamp(field.type) else 0
    fields |= {"type": "track", "name": name, "user_id": who, "timestamp": at, "received_at": at}
    return fields | {"message_id": f"{name}-{who}-{at.isoformat()}-{more}"} | more


def _order(who: str = "ann", *, at: datetime = AT + DAY, minor: int | None = 500, **more: Any) -> dict[str, Any]:
    fields = {"order_id": "o1", "currency": "CNY", "revenue_minor": minor}
    return _event("Order Completed", who, at=at, **(fields | more))


def _join(
    decisions: Sequence[dict[str, Any]],
    events: Sequence[dict[str, Any]],
    *,
    mapping: Mapping[str, str] | None = None,
    window_days: int = 7,
    reward: str = "conversion",
    now: datetime = LATER,
) -> list[dict[str, Any]]:
    connection = ibis.duckdb.connect()
    connection.con.execute("SET TimeZone = 'UTC'")
    connection.con.register("log", pa.Table.from_pylist(list(events), LOG_SCHEMA))
    persons = [{"from_id": old, "person_id": new} for old, new in (mapping or {}).items()]
    found = join(
        pa.Table.from_pylist(list(decisions), DECIDED),
        connection.table("log"),
        Resolution(persons=pa.Table.from_pylist(persons, PERSONS_SCHEMA), devices=DEVICES_SCHEMA.empty_table()),
        window_days=window_days,
        reward=reward,
        now=now,
        currency="CNY",
    )
    assert found.schema == SCHEMA
    connection.disconnect()
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _by_customer(events: Mapping[str, Sequence[dict[str, Any]]], **more: Any) -> dict[str, dict[str, Any]]:
    """The rows of customers who were each decided for once, by name; one join for them all."""
    rows = _join([_decision(who) for who in events], [event for told in events.values() for event in told], **more)
    return {row["customer_id"]: row for row in rows}


def test_only_what_happened_after_the_decision_and_within_the_window_counts() -> None:
    moments = {
        "before": (AT - TICK, 0),
        "then": (AT, 0),
        "just after": (AT + TICK, 1),
        "at the end": (AT + 7 * DAY, 1),
        "just past the end": (AT + 7 * DAY + TICK, 0),
        "long past the end": (AT + 29 * DAY, 0),
    }
    rows = _by_customer({who: [_order(who, at=at)] for who, (at, _) in moments.items()})
    assert {who: row["orders"] for who, row in rows.items()} == {who: counted for who, (_, counted) in moments.items()}
    assert {who: row["revenue_minor"] for who, row in rows.items()} == {
        who: 500 * counted for who, (_, counted) in moments.items()
    }


def test_what_nobody_did_is_a_row_of_zeros() -> None:
    assert _join([_decision()], []) == [
        {
            "decision_id": "d-ann",
            "customer_id": "ann",
            "arm": "treated",
            "intended_id": "action-ann",
            "opened": False,
            "clicked": False,
            "orders": 0,
            "revenue_minor": 0,
            "reward": 0.0,
            "mature": True,
        }
    ]


def test_rows_come_in_the_order_of_decision_ids_and_every_arm_is_counted_alike() -> None:
    decisions = [
        _decision("zoe", name="2", arm="holdout"),
        _decision("ann", name="3", arm="suppressed"),
        _decision("bob", name="1"),
    ]
    rows = _join(decisions, [_order("ann", order_id="a"), _order("zoe", order_id="z", minor=70)])
    assert [(row["decision_id"], row["customer_id"], row["arm"], row["revenue_minor"]) for row in rows] == [
        ("1", "bob", "treated", 0),
        ("2", "zoe", "holdout", 70),
        ("3", "ann", "suppressed", 500),
    ]
    assert [row["reward"] for row in rows] == [0.0, 1.0, 1.0]


def test_an_order_counts_once_at_its_highest_revenue_and_several_add_up() -> None:
    repeated = _order("without id", order_id=None, message_id="m1")
    told = {
        "told twice": [
            _order("told twice", minor=500),
            _order("told twice", minor=300, at=AT + 2 * DAY),
            _order("told twice", minor=None, at=AT + 3 * DAY),
        ],
        "two": [_order("two", order_id="a", minor=500), _order("two", order_id="b", minor=None)],
        "without id": [repeated, _order("without id", order_id=None, message_id="m2"), repeated],
        "without revenue": [_order("without revenue", minor=None)],
        "in dollars": [_order("in dollars", currency="USD"), _order("in dollars", order_id="b", minor=70)],
    }
    rows = _by_customer(told, reward="revenue")
    assert {who: (row["orders"], row["revenue_minor"], row["reward"]) for who, row in rows.items()} == {
        "told twice": (1, 500, 500.0),
        "two": (2, 500, 500.0),
        "without id": (2, 1000, 1000.0),
        "without revenue": (1, 0, 0.0),
        "in dollars": (2, 70, 70.0),
    }


def test_an_open_or_a_click_answers_its_own_decision_and_an_order_every_one_before_it() -> None:
    kinds = {
        "Message Opened": (True, False),
        "Email Opened": (True, False),
        "Message Clicked": (False, True),
        "Email Link Clicked": (False, True),
        "Product Viewed": (False, False),
    }
    decisions = [_decision(who, name=f"{who} {number}") for who in (*kinds, "Order Completed") for number in (1, 2)]
    events = [_event(name, name, decision_id=f"{name} 1") for name in kinds]
    events.append(_order("Order Completed", decision_id="Order Completed 1"))
    rows = {row["decision_id"]: row for row in _join(decisions, events, reward="clicked")}
    for name, answered in kinds.items():
        first, second = rows[f"{name} 1"], rows[f"{name} 2"]
        assert (first["opened"], first["clicked"]) == answered, name
        assert (second["opened"], second["clicked"]) == (False, False), name
        assert (first["reward"], second["reward"]) == (float(answered[1]), 0.0), name
        assert (first["orders"], second["orders"]) == (0, 0), name
    assert [rows[f"Order Completed {number}"]["orders"] for number in (1, 2)] == [1, 1]


def test_an_open_that_names_no_decision_answers_every_one() -> None:
    decisions = [_decision(name="1"), _decision(name="2")]
    rows = _join(decisions, [_event("Message Opened"), _event("Email Link Clicked")])
    assert [(row["opened"], row["clicked"], row["reward"]) for row in rows] == [(True, True, 0.0)] * 2


def test_what_a_visitor_did_counts_for_the_customer_that_the_visitor_is() -> None:
    visit = _order("old")
    mapped = _by_customer({"ann": [visit], "bob": []}, mapping={"old": "ann"})
    assert {who: row["orders"] for who, row in mapped.items()} == {"ann": 1, "bob": 0}
    assert _by_customer({"ann": [visit]})["ann"]["orders"] == 0


def test_a_decision_for_an_id_that_was_merged_since_finds_what_the_person_did() -> None:
    decisions = [_decision("old"), _decision("ann"), _decision("bob")]
    rows = _join(decisions, [_order("ann", order_id="a"), _order("old", order_id="b")], mapping={"old": "ann"})
    assert {row["customer_id"]: row["orders"] for row in rows} == {"old": 2, "ann": 2, "bob": 0}


def test_the_future_of_the_join_is_not_seen_and_a_reward_is_mature_once_its_window_has_closed() -> None:
    now = AT + 7 * DAY
    decisions = [
        _decision("open", at=AT + TICK),
        _decision("closed", at=AT),
        _decision("long closed", at=AT - DAY),
    ]
    events = [_order("open", at=now + TICK, order_id="later"), _order("closed", at=now, order_id="now")]
    rows = {row["customer_id"]: row for row in _join(decisions, events, now=now)}
    assert {who: row["mature"] for who, row in rows.items()} == {"open": False, "closed": True, "long closed": True}
    assert {who: row["orders"] for who, row in rows.items()} == {"open": 0, "closed": 1, "long closed": 0}
