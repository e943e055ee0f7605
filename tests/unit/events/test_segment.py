"""What the Segment spec says of a message, and what we make of messages that do not follow it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhanggui.errors import EventError
from zhanggui.events.commerce import read
from zhanggui.events.segment import parse, parse_batch, parse_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACK = {"type": "track", "userId": "u1", "event": "Signed Up", "messageId": "m1"}


def refused(message: dict[str, Any], field: str) -> EventError:
    with pytest.raises(EventError) as caught:
        parse(message, received_at=NOW)
    assert caught.value.field == field
    return caught.value


@pytest.mark.parametrize(
    "message",
    [
        {"type": "identify", "userId": "u1", "traits": {"email": "a@example.com"}},
        {"type": "track", "anonymousId": "a1", "event": "Product Viewed"},
        {"type": "page", "userId": "u1", "name": "Home", "category": "Docs"},
        {"type": "screen", "userId": "u1"},
        {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}},
        {"type": "alias", "userId": "u1", "previousId": "a1"},
    ],
)
def test_every_call_of_the_spec_is_an_event(message: dict[str, Any]) -> None:
    event = parse(message, received_at=NOW)
    assert event.type == message["type"]
    assert event.received_at == event.timestamp == NOW


def test_clock_skew_is_taken_out_of_the_timestamp() -> None:
    message = TRACK | {"timestamp": "2026-03-01T10:00:00Z", "sentAt": "2026-03-01T10:05:00Z"}
    assert parse(message, received_at=NOW).timestamp == NOW - timedelta(minutes=5)
    message = TRACK | {"originalTimestamp": "2030-01-01T00:00:00Z"}
    sent_at = datetime(2030, 1, 1, 0, 0, 7, tzinfo=UTC)
    assert parse(message, received_at=NOW, sent_at=sent_at).timestamp == NOW - timedelta(seconds=7)


def test_an_archived_message_keeps_its_corrected_timestamp_and_its_receipt() -> None:
    message = TRACK | {
        "originalTimestamp": "2017-01-01T00:00:00Z",
        "sentAt": "2017-01-01T00:00:01Z",
        "receivedAt": "2017-01-01T01:00:01Z",
        "timestamp": "2017-01-01T01:00:00Z",
    }
    event, _ = parse_json(json.dumps(message).encode(), received_at=NOW, archived=True)
    assert event.timestamp == datetime(2017, 1, 1, 1, tzinfo=UTC)
    assert event.received_at == datetime(2017, 1, 1, 1, 0, 1, tzinfo=UTC)
    del message["receivedAt"], message["originalTimestamp"]
    event, _ = parse_json(json.dumps(message).encode(), received_at=NOW, archived=True)
    assert event.timestamp == datetime(2017, 1, 1, 1, tzinfo=UTC)  # reading it late is no clock skew


def test_a_moment_without_a_zone_is_utc_and_another_zone_is_converted() -> None:
    assert parse(TRACK | {"timestamp": "2026-01-01T08:00:00"}, received_at=NOW).timestamp.hour == 8
    event = parse(TRACK | {"timestamp": "2026-01-01T08:00:00+08:00"}, received_at=NOW)
    assert event.timestamp == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_little_future_is_dated_to_receipt_and_a_lot_is_refused() -> None:
    near = (NOW + timedelta(hours=1)).isoformat()
    assert parse(TRACK | {"timestamp": near}, received_at=NOW).timestamp == NOW
    refused(TRACK | {"timestamp": "9999-12-31T23:59:59Z"}, "timestamp")
    refused(TRACK | {"timestamp": "9999-12-31T23:59:59-23:00"}, "timestamp")
    refused(TRACK | {"timestamp": "1970-01-01T00:00:00Z"}, "timestamp")
    refused(TRACK | {"timestamp": "yesterday"}, "timestamp")
    refused(TRACK | {"timestamp": 1700000000}, "timestamp")
    refused(TRACK | {"timestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-12-31T00:00:00Z"}, "timestamp")


def test_in_a_file_a_missing_message_id_comes_from_the_content() -> None:
    message = {key: value for key, value in TRACK.items() if key != "messageId"}

    def read(content: dict[str, Any], days: int = 0) -> str:
        moment = NOW + timedelta(days=days)
        return parse_json(json.dumps(content).encode(), received_at=moment, archived=True)[0].message_id

    assert read(message) == read(dict(reversed(message.items())), days=1) != read(message | {"userId": "u2"})


def test_over_http_the_same_words_without_an_id_are_said_again() -> None:
    message = {key: value for key, value in TRACK.items() if key != "messageId"}
    assert len({parse(message | {"messageId": given}, received_at=NOW).message_id for given in (None, "", "null")}) == 3


def test_a_message_id_of_a_public_key_is_a_name_of_its_own() -> None:
    ids = {trust: parse(TRACK, received_at=NOW, trust=trust).message_id for trust in ("server", "write")}
    assert ids["server"] == "m1" != ids["write"]
    assert parse(TRACK, received_at=NOW, trust="write").trust == "write"
    assert parse_json(json.dumps(TRACK).encode(), received_at=NOW, archived=True, trust="write")[0].trust == "file"
    events, _ = parse_batch({"batch": [TRACK]}, received_at=NOW, trust="write")
    assert [event.message_id for event in events] == [ids["write"]]


@pytest.mark.parametrize(
    "nobody",
    ["undefined", "NULL", "[object Object]", "None", "nan", "0", 0, 0.0, "00000000-0000-0000-0000-000000000000"],
)
def test_what_broken_clients_send_for_nobody_is_no_id(nobody: Any) -> None:
    refused(TRACK | {"userId": nobody}, "userId")
    refused({"type": "alias", "userId": "u1", "previousId": nobody}, "previousId")
    event = parse(TRACK | {"userId": nobody, "anonymousId": "a1"}, received_at=NOW)
    assert (event.user_id, event.anonymous_id) == (None, "a1")
    assert read("Order Completed", {"order_id": nobody, "revenue": 5}, currency="CNY").order_id is None


def test_a_whole_number_is_its_digits_and_another_number_no_id() -> None:
    assert parse(TRACK | {"userId": 17850.0, "anonymousId": 7}, received_at=NOW).user_id == "17850"
    assert parse(TRACK | {"userId": "0017"}, received_at=NOW).user_id == "0017"
    assert read("Order Completed", {"order_id": 536365.0}, currency="CNY").order_id == "536365"
    for number in (1.5, 1e300, 10**40):
        refused(TRACK | {"userId": number}, "userId")


def test_traits_in_the_context_of_an_identify_count_and_its_own_before_them() -> None:
    told = {"context": {"traits": {"email": "r@x.example", "city": "A"}}, "traits": {"city": "B"}}
    hello = parse({"type": "identify", "userId": "r"} | told, received_at=NOW)
    assert hello.traits == {"email": "r@x.example", "city": "B"}
    assert parse(TRACK | told, received_at=NOW).traits == {"city": "B"}


def test_a_number_beyond_all_bounds_is_refused_where_it_stands() -> None:
    refused({"type": "identify", "userId": "u", "traits": {"points": 10**400}}, "traits.points")
    assert parse({"type": "identify", "userId": "u", "traits": {"points": 10**20}}, received_at=NOW).traits


def test_ids_are_needed_short_and_clean() -> None:
    refused({"type": "track", "event": "X"}, "userId")
    refused(TRACK | {"userId": "  "}, "userId")
    refused(TRACK | {"userId": "u" * 257}, "userId")
    refused(TRACK | {"userId": "u\x00"}, "userId")
    refused(TRACK | {"userId": True}, "userId")
    refused(TRACK | {"userId": 1.5}, "userId")
    refused(TRACK | {"messageId": ["m"]}, "messageId")
    refused({"type": "alias", "userId": "u1"}, "previousId")
    refused({"type": "group", "userId": "u1"}, "groupId")
    assert parse(TRACK | {"userId": 42}, received_at=NOW).user_id == "42"


def test_a_track_names_its_event_and_a_type_is_of_the_spec() -> None:
    refused({"type": "track", "userId": "u1"}, "event")
    refused(TRACK | {"event": "\x00"}, "event")
    refused(TRACK | {"type": "delete"}, "type")
    refused({"userId": "u1"}, "type")
    refused(TRACK | {"properties": [1]}, "properties")


def test_control_characters_leave_texts() -> None:
    event = parse(TRACK | {"properties": {"a\x00": "x\x00y\x1b[31m\nz", "zh": "掌柜"}}, received_at=NOW)
    assert event.properties == {"a": "xy[31m\nz", "zh": "掌柜"}


def test_numbers_that_are_not_finite_and_deep_nesting_are_refused_where_they_stand() -> None:
    refused(TRACK | {"properties": {"a": [1, {"b": float("nan")}]}}, "properties.a[1].b")
    refused(TRACK | {"traits": {"a": float("-inf")}}, "traits.a")
    with pytest.raises(EventError, match="finite"):
        parse_json(b'{"type":"track","event":"X","userId":"u","context":{"a":1e999}}', received_at=NOW)
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    assert "too deep" in refused(TRACK | {"context": {"a": deep}}, "context.a" + "[0]" * 15).problem
    for _ in range(100_000):
        deep = [deep]
    refused(TRACK | {"context": {"a": deep}}, "")


def test_a_lone_surrogate_is_refused() -> None:
    refused(TRACK | {"properties": {"a": "\ud800"}}, "")


def test_a_message_and_a_batch_have_limits() -> None:
    refused(TRACK | {"properties": {"a": "x" * 40_000}}, "")
    with pytest.raises(EventError, match="batch is larger"):
        parse_batch({"batch": [TRACK | {"properties": {"a": "x" * 30_000}}] * 20}, received_at=NOW)


def test_a_batch_keeps_its_good_messages_and_says_what_is_wrong_with_the_others() -> None:
    batch = {
        "batch": [TRACK, {"type": "track"}, 7, TRACK | {"event": "Product Added", "properties": {"price": -1}}],
        "sentAt": "2026-03-01T12:00:00Z",
        "context": {"library": {"name": "x"}},
    }
    batch["batch"][3]["properties"]["product_id"] = "p1"  # type: ignore[index]
    for payload in (batch, json.dumps(batch).encode()):
        events, errors = parse_batch(payload, received_at=NOW)
        assert [event.context for event in events] == [{"library": {"name": "x"}}]
        assert [error.field for error in errors] == ["batch[1].userId", "batch[2]", "batch[3].properties.price"]
    for broken in (b"{", b"[]", b"\xff", b'{"batch": 5}', b"[" * 100_000):
        with pytest.raises(EventError):
            parse_batch(broken, received_at=NOW)


# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    [
        "type",
        "userId",
        "anonymousId",
        "event",
        "messageId",
        "timestamp",
        "sentAt",
        "properties",
        "traits",
        "context",
    ]
)


@UNHURRIED
@given(st.dictionaries(FIELDS, JSON, max_size=4), st.sampled_from(["track", "identify", "page"]))
def test_whatever_comes_it_is_an_event_or_an_event_error(fields: dict[str, Any], kind: str) -> None:
    try:
        event = parse({"type": kind, "userId": "u1", "event": "Order Completed"} | fields, received_at=NOW)
    except EventError:
        return
    assert event.timestamp <= event.received_at == NOW
    assert "\x00" not in json.dumps([event.properties, event.traits, event.context], allow_nan=False)


@UNHURRIED
@given(JSON)
def test_commerce_properties_of_any_shape_are_read_or_refused_with_a_field(value: Any) -> None:
    for properties in ({"products": value}, {"products": [{"price": value, "quantity": value}]}, {"total": value}):
        try:
            commerce = read("Order Completed", properties, currency="CNY")
        except EventError as error:
            if not error.field.startswith("properties."):
                raise
        else:
            amounts = [commerce.revenue_minor, *(line["price_minor"] for line in commerce.products or [])]
            assert all(amount is None or 0 <= amount < 2**63 for amount in amounts)
        read("Something Of Ours", properties, currency="CNY")
