"""Validates messages of the Segment spec and turns them into events, e-commerce properties typed.

Spec: https://segment.com/docs/connections/spec/common/. What could hurt later is refused (NaN, deep nesting,
huge messages, ids with control characters) or made harmless (control characters in texts). Stores nothing.
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from zhanggui.errors import EventError
from zhanggui.events.commerce import NOTHING, Commerce
from zhanggui.events.commerce import read as read_commerce
from zhanggui.events.event import Event, EventType, Trust
from zhanggui.events.ids import MAX_ID, identifier
from zhanggui.events.settings import EventSettings

DEFAULT = EventSettings()
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_Id = StrictStr | StrictInt | StrictFloat | None
_LARGEST = 10**300  # a double holds it
_OF_WRITE_KEYS = "write:"
_Moment = Annotated[datetime, Field(strict=True)] | None
_Object = dict[str, Any] | None


class _Message(BaseModel):
    """The common fields of a message as they come; unknown fields (integrations and so on) are not kept."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    messageId: _Id = None  # noqa: N815 - the spec's names
    userId: _Id = None  # noqa: N815
    anonymousId: _Id = None  # noqa: N815
    previousId: _Id = None  # noqa: N815
    groupId: _Id = None  # noqa: N815
    event: StrictStr | None = None
    name: StrictStr | None = None
    category: Any = None
    properties: _Object = None
    traits: _Object = None
    context: _Object = None
    timestamp: _Moment = None
    originalTimestamp: _Moment = None  # noqa: N815
    sentAt: _Moment = None  # noqa: N815
    receivedAt: _Moment = None  # noqa: N815


_validate = _Message.__pydantic_validator__.validate_json


def parse(
    payload: Mapping[str, Any],
    *,
    received_at: datetime,
    sent_at: datetime | None = None,
    settings: EventSettings = DEFAULT,
    trust: Trust = "server",
) -> Event:
    """One message that arrived at `received_at` (UTC), decoded from JSON, as an event.

    `sent_at` is the batch's, for a message without its own. Raises EventError with the field.
    """
    return parse_json(_encode(payload), received_at=received_at, sent_at=sent_at, settings=settings, trust=trust)[0]


def parse_batch(
    payload: Mapping[str, Any] | bytes,
    *,
    received_at: datetime,
    settings: EventSettings = DEFAULT,
    trust: Trust = "server",
) -> tuple[list[Event], list[EventError]]:
    """The events of a batch call, `{"batch": [...], "sentAt": ..., "context": ...}`, and the errors of the rest.

    A batch-level context holds for messages that do not say otherwise. Errors name the field as
    `batch[3].properties.price`. Raises EventError when the batch as a whole cannot be read.
    """
    body = payload if isinstance(payload, bytes) else _encode(payload)
    if len(body) > settings.max_batch_bytes:
        raise EventError(f"the batch is larger than {settings.max_batch_bytes} bytes", hint="send parts")
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError):
        raise EventError("is not JSON", hint="a UTF-8 JSON object") from None
    messages = batch.get("batch") if isinstance(batch, dict) else None
    if not isinstance(messages, list):
        raise EventError("is not a list", field="batch", hint="a list of messages")
    sent_at = _moment(batch.get("sentAt"))
    shared = batch.get("context")
    events: list[Event] = []
    errors: list[EventError] = []
    for index, message in enumerate(messages):
        try:
            if not isinstance(message, dict):
                raise EventError("is not an object", hint="a message is a JSON object")
            context = message.get("context")
            if isinstance(shared, dict) and (context is None or isinstance(context, dict)):
                message["context"] = shared | (context or {})
            events.append(parse(message, received_at=received_at, sent_at=sent_at, settings=settings, trust=trust))
        except EventError as error:
            field = f"batch[{index}].{error.field}".rstrip(".")
            errors.append(EventError(error.problem, field=field, hint=error.hint))
    return events, errors


def parse_json(
    line: bytes,
    *,
    received_at: datetime,
    sent_at: datetime | None = None,
    archived: bool = False,
    settings: EventSettings = DEFAULT,
    trust: Trust = "server",
) -> tuple[Event, Commerce]:
    """One message as UTF-8 JSON bytes: the event, with its e-commerce properties read (see `commerce.read`).

    An `archived` message comes from a file: its own `receivedAt` counts where it has one, and `received_at`
    says nothing about its clock; without a messageId it has one made of its content, so that a file read twice is stored
    once. Over HTTP the same words twice were said twice. The messageIds of public keys are names of their own: they never
    take the place of another's. Raises EventError with the field.
    """
    if len(line) > settings.max_message_bytes:
        raise EventError(f"the message is larger than {settings.max_message_bytes} bytes", hint="send less")
    try:
        message = _validate(line)
    except ValidationError as error:
        raise _explain(error, line) from None
    user_id = identifier(message.userId, "userId")
    anonymous_id = identifier(message.anonymousId, "anonymousId")
    if user_id is None and anonymous_id is None:
        raise EventError("is missing", field="userId", hint="give userId or anonymousId")
    properties = _cleaned(message.properties, "properties", settings)
    previous_id, name, commerce = None, None, NOTHING
    kind: EventType = message.type
    if kind == "track":
        name = _named(message.event, "event")
        if name is None:
            raise EventError("is missing", field="event", hint="a track message names its event")
        commerce = read_commerce(name, properties, currency=settings.currency)
    elif kind in ("page", "screen"):
        name = _named(message.name, "name")
        if isinstance(message.category, str):
            properties.setdefault("category", _HARMFUL.sub("", message.category))
    elif kind == "alias":
        previous_id = identifier(message.previousId, "previousId")
        if previous_id is None or user_id is None:
            missing = "previousId" if previous_id is None else "userId"
            raise EventError("is missing", field=missing, hint="alias joins previousId to userId")
    elif kind == "group":
        group_id = identifier(message.groupId, "groupId")
        if group_id is None:
            raise EventError("is missing", field="groupId")
        properties["groupId"] = group_id
    traits = _cleaned(message.traits, "traits", settings)
    context = _cleaned(message.context, "context", settings)
    if kind == "identify" and isinstance(context.get("traits"), dict):
        traits = context["traits"] | traits
    received, moment = _when(message, received_at, sent_at, archived, settings)
    message_id = identifier(message.messageId, "messageId")
    if message_id is None:
        content = (user_id, anonymous_id, previous_id, name, properties, traits, context)
        message_id = _content_id(message, *content) if archived else uuid.uuid4().hex
    return Event(
        message_id=f"{_OF_WRITE_KEYS}{message_id}" if trust == "write" else message_id,
        type=kind,
        timestamp=moment,
        received_at=received,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id,
        name=name,
        properties=properties,
        traits=traits,
        context=context,
        trust="file" if archived else trust,
    ), commerce


def _when(
    message: _Message,
    received_at: datetime,
    sent_at: datetime | None,
    archived: bool,
    settings: EventSettings,
) -> tuple[datetime, datetime]:
    """When it was received and when it happened: timestamp = receivedAt - (sentAt - originalTimestamp)."""
    sent = _utc(message.sentAt) or sent_at
    received: datetime | None = received_at
    if archived:
        received = _utc(message.receivedAt)
        received_at = received if received is not None and received <= received_at else received_at
    original = _utc(message.originalTimestamp)
    happened = _utc(message.timestamp)
    if not (archived and original and happened):  # an archive that has both was corrected by who received it
        original = original or happened
        happened = original
        if original and sent and received:
            try:
                happened = received - (sent - original)
            except OverflowError:
                raise EventError("is no sensible moment", field="timestamp") from None
    if happened is None:
        return received_at, received_at
    if happened > received_at:
        if happened - received_at > timedelta(hours=settings.future_hours):
            raise EventError("is in the future", field="timestamp", hint="set the clock of the sender")
        happened = received_at
    if happened.year < settings.earliest_year:
        raise EventError(f"is before {settings.earliest_year}", field="timestamp", hint="set the clock of the sender")
    return received_at, happened


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise EventError("is no sensible moment", field="timestamp") from None


def _moment(text: Any) -> datetime | None:
    """A batch's sentAt; None where it is missing or makes no sense: the messages are still good."""
    try:
        return _utc(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except (ValueError, EventError):
        return None


def _named(value: str | None, field: str) -> str | None:
    if value is None:
        return None
    name = _HARMFUL.sub("", value).strip()
    if len(name) > MAX_ID:
        raise EventError(f"is longer than {MAX_ID} characters", field=field)
    return name or None


def _cleaned(value: dict[str, Any] | None, field: str, settings: EventSettings) -> dict[str, Any]:
    if not value:
        return {}
    try:
        cleaned: dict[str, Any] = _clean(value, settings.max_depth)
    except _RefusedError as refused:
        raise EventError(refused.problem, field=field + "".join(reversed(refused.path))) from None
    return cleaned


class _RefusedError(Exception):
    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []


def _clean(value: Any, depth: int) -> Any:
    """The same JSON value without control characters. Refuses numbers that are not finite, deep nesting."""
    kind = type(value)
    if kind is str:
        return value if value.isprintable() else _HARMFUL.sub("", value)
    if kind is float:
        if not math.isfinite(value):
            raise _RefusedError("is not a finite number")
        return value
    if kind is int and not -_LARGEST < value < _LARGEST:
        raise _RefusedError("is beyond all bounds")
    if kind is dict:
        if depth == 0:
            raise _RefusedError("is nested too deep")
        key = ""
        try:
            cleaned = {}
            for key, item in value.items():
                cleaned[key if key.isprintable() else _HARMFUL.sub("", key)] = _clean(item, depth - 1)
            return cleaned
        except _RefusedError as refused:
            refused.path.append(f".{key[:64]}")
            raise
    if kind is list:
        if depth == 0:
            raise _RefusedError("is nested too deep")
        index = 0
        try:
            items = []
            for index, item in enumerate(value):  # noqa: B007 - the index is for the error
                items.append(_clean(item, depth - 1))
            return items
        except _RefusedError as refused:
            refused.path.append(f"[{index}]")
            raise
    return value


def _content_id(message: _Message, *content: Any) -> str:
    """A messageId made from what the message says, so that the same message read twice is stored once."""
    moment = message.originalTimestamp or message.timestamp
    parts = [message.type, moment.isoformat() if moment else None, *content]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256-" + hashlib.sha256(text.encode()).hexdigest()[:40]


def _encode(payload: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    except UnicodeEncodeError:
        raise EventError("is not valid Unicode", hint="a lone surrogate; send UTF-8") from None
    except (TypeError, ValueError, RecursionError):
        raise EventError("is not JSON", hint="objects, lists, texts, numbers, true, false and null") from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError


def _explain(error: ValidationError, line: bytes) -> EventError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        try:
            line.decode()
        except UnicodeDecodeError as damage:
            return EventError("is not UTF-8", hint=f"byte {damage.start + 1} of the line")
        return EventError("is not JSON", hint=str(first.get("ctx", {}).get("error", "")))
    if first["type"] == "model_type":
        return EventError("is not an object", hint="one JSON object a message")
    field = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return EventError("is missing", field=field)
    if first["type"].startswith("datetime"):
        return EventError("is not a moment", field=field, hint="ISO 8601, such as 2026-01-31T12:00:00Z")
    if first["type"] == "literal_error":
        return EventError("is not a type of the Segment spec", field=field, hint=first["msg"])
    return EventError("has the wrong type", field=field, hint=first["msg"])
