import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import APIRouter, Depends
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Asked

from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope
from zhanggui.api.guard import Guard, Requires, scope_of
from zhanggui.config import ApiSettings
from zhanggui.errors import AccessError, ScopeError

LIMIT = 100
LIMITS = ApiSettings(
    max_body_bytes=LIMIT,
    max_gzip_members=2,
    bodies_in_flight_bytes=150,
    body_pause_seconds=0.2,
    body_seconds=0.5,
    requests_per_minute=50,
)

router = APIRouter()
events = APIRouter(dependencies=[Depends(Requires("write"))])


@events.post("/events")
@events.get("/events", name="read")
def _events() -> None: ...


@router.post("/open")
def _open() -> None: ...


def check(key: str, *, scope: Scope, from_page: bool) -> ApiKey:
    if key == "narrow":
        raise ScopeError("its scope is too narrow")
    if key != "good":
        raise AccessError("unknown")
    return ApiKey(key_id="k", label="", scope=scope, created_at=datetime(2026, 1, 1, tzinfo=UTC), revoked_at=None)


@dataclass
class Behind:
    """The application behind the guard: it notes each request with its body, and answers 200 when told to."""

    free: asyncio.Event | None = None
    bodies: list[bytes] = field(default_factory=list)
    keys: list[ApiKey | None] = field(default_factory=list)

    async def __call__(self, asked: Asked, receive: Receive, send: Send) -> None:
        self.keys.append(asked.get("state", {}).get("api_key"))
        self.bodies.append((await receive())["body"])
        if self.free:
            await self.free.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found = json.loads(self.body)
        assert found["status"] == self.status
        return dict(found)


async def unread() -> Message:
    pytest.fail("the body was read")


async def ask(
    guard: Guard,
    receive: Receive,
    *,
    key: str = "good",
    path: str = "/events",
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Answer:
    answer = Answer()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        answer.body += message.get("body", b"")

    named = {"authorization": f"Bearer {key}", **(headers or {})}
    asked = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("192.0.2.1", 1),
    }
    await guard(asked, receive, send)
    return answer


def coming(*parts: bytes, pause: float = 0, then: Callable[[], Message] | None = None) -> Receive:
    """A body in parts; after the last, or instead of an end, comes what `then` says."""

    async def messages() -> AsyncIterator[Message]:
        for number, part in enumerate(parts, 1):
            await asyncio.sleep(pause)
            yield {"type": "http.request", "body": part, "more_body": then is not None or number < len(parts)}
        while then:
            yield then()

    iterator = messages()

    async def receive() -> Message:
        return await anext(iterator)

    return receive


def guarded(behind: Behind, limits: ApiSettings = LIMITS) -> Guard:
    return Guard(behind, routes=[*events.routes, *router.routes], check=check, limits=limits)


def one(receive: Receive, **more: Any) -> tuple[Answer, Behind]:
    behind = Behind()
    return asyncio.run(ask(guarded(behind), receive, **more)), behind


@pytest.mark.parametrize(("key", "status"), [("", 401), ("wrong", 401), ("narrow", 403)])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_key_is_refused_before_the_body_is_read(key: str, status: int, method: str) -> None:
    answer, behind = one(unread, key=key, method=method)
    assert answer.status == status
    assert answer.problem["detail"]
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert behind.keys == []


def test_a_good_key_brings_the_body_whole_and_says_whose_it_is() -> None:
    answer, behind = one(coming(b"ab", b"", b"cd"))
    assert (answer.status, behind.bodies) == (200, [b"abcd"])
    assert behind.keys[0] is not None
    assert (behind.keys[0].key_id, behind.keys[0].scope) == ("k", "write")


@pytest.mark.parametrize("more", [{"path": "/open"}, {"path": "/nowhere"}, {"method": "PUT"}])
def test_a_route_without_a_key_gets_no_body_and_one_that_is_not_there_neither(more: dict[str, str]) -> None:
    answer, behind = one(unread, **more)
    assert (answer.status, behind.bodies, behind.keys) == (200, [b""], [None])


def test_a_question_without_a_body_is_not_waited_for() -> None:
    answer, behind = one(unread, method="GET")
    assert (answer.status, behind.bodies) == (200, [b""])


@pytest.mark.parametrize(
    ("parts", "status"), [([LIMIT], 200), ([LIMIT + 1], 413), ([LIMIT - 1, 1], 200), ([LIMIT, 1], 413)]
)
def test_a_body_is_read_up_to_the_limit(parts: list[int], status: int) -> None:
    answer, behind = one(coming(*[b"x" * part for part in parts]))
    assert answer.status == status
    assert len(behind.bodies) == (status == 200)


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    answer, _ = one(unread, headers={"content-length": str(LIMIT + 1)})
    assert answer.status == 413
    assert str(LIMIT) in answer.problem["detail"]
    assert one(coming(b"x" * LIMIT), headers={"content-length": str(LIMIT)})[0].status == 200


def silence() -> Message:
    raise AssertionError("unreachable")


def test_a_body_that_stops_is_answered_and_its_connection_closed() -> None:
    async def stopped() -> Message:
        await asyncio.Event().wait()
        return silence()

    behind = Behind()
    guard = guarded(behind, replace(LIMITS, body_seconds=3600))
    answer = asyncio.run(asyncio.wait_for(ask(guard, stopped), 30))
    assert (answer.status, answer.headers["connection"], behind.bodies) == (408, "close", [])


def test_a_body_that_trickles_is_answered_although_no_pause_is_too_long() -> None:
    behind = Behind()
    guard = guarded(behind, replace(LIMITS, body_pause_seconds=3600))
    answer = asyncio.run(ask(guard, coming(*[b"x"] * 50, pause=0.05)))
    assert (answer.status, behind.bodies) == (408, [])


def test_a_client_that_goes_is_not_answered() -> None:
    answer, behind = one(coming(b"x", then=lambda: {"type": "http.disconnect"}))
    assert (answer.status, behind.bodies) == (0, [])


def test_bodies_in_flight_share_their_memory() -> None:
    async def two() -> tuple[Answer, Answer, Answer]:
        free = asyncio.Event()
        behind = Behind(free)
        guard = guarded(behind)
        first = asyncio.create_task(ask(guard, coming(b"x" * 100)))
        while not behind.bodies:
            await asyncio.sleep(0)
        second = await ask(guard, coming(b"x" * 51))
        free.set()
        return await first, second, await ask(guard, coming(b"x" * 100))

    first, second, third = asyncio.run(two())
    assert (first.status, second.status, third.status) == (200, 503, 200)
    assert int(second.headers["retry-after"]) > 0


def test_the_last_byte_of_the_memory_may_be_used_and_refused_bodies_give_theirs_back() -> None:
    async def many() -> list[int]:
        guard = guarded(Behind(), ApiSettings(max_body_bytes=LIMIT, bodies_in_flight_bytes=LIMIT))
        bodies = [coming(b"x" * LIMIT), coming(b"x" * 60, b"x" * 60), coming(b"x" * LIMIT)]
        return [(await ask(guard, body)).status for body in bodies]

    assert asyncio.run(many()) == [200, 413, 200]


def test_what_is_unpacked_takes_memory_too() -> None:
    packed = gzip.compress(b"x" * LIMIT)
    limits = ApiSettings(max_body_bytes=LIMIT, bodies_in_flight_bytes=LIMIT + len(packed) - 1)
    answer = asyncio.run(ask(guarded(Behind(), limits), coming(packed), headers={"content-encoding": "gzip"}))
    assert answer.status == 503


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b"text"), 200),
        (gzip.compress(b"x" * LIMIT), 200),
        (gzip.compress(b"x" * (LIMIT + 1)), 413),
        (gzip.compress(b"") * 3, 400),
        (b"no gzip", 400),
    ],
    ids=["small", "just as much", "too much", "members", "no gzip"],
)
@pytest.mark.parametrize("encoding", ["gzip", " GZIP "])
def test_gzip_is_unpacked_within_limits(body: bytes, status: int, encoding: str) -> None:
    answer, behind = one(coming(body), headers={"content-encoding": encoding})
    assert answer.status == status
    assert behind.bodies == ([gzip.decompress(body)] if status == 200 else [])


def test_another_encoding_is_refused_unread_and_none_is_none() -> None:
    assert one(unread, headers={"content-encoding": "br"})[0].status == 415
    assert one(coming(b"x"), headers={"content-encoding": "identity"})[1].bodies == [b"x"]


@pytest.mark.parametrize(("headers", "closes"), [({"transfer-encoding": "chunked"}, True), ({}, False)])
def test_the_chunks_of_a_refused_body_are_not_parsed(headers: dict[str, str], closes: bool) -> None:
    answer, _ = one(unread, key="wrong", headers=headers)
    assert (answer.headers.get("connection") == "close") is closes


def test_whatever_is_no_request_passes() -> None:
    seen = []

    async def behind(asked: Asked, _receive: Receive, _send: Send) -> None:
        seen.append(asked["type"])

    async def lifespan() -> None:
        await Guard(behind, routes=[], check=check, limits=LIMITS)({"type": "lifespan"}, unread, unread)  # type: ignore[arg-type]

    asyncio.run(lifespan())
    assert seen == ["lifespan"]


def test_every_route_of_the_application_says_which_key_opens_it() -> None:
    from zhanggui.api import campaigns, customers, segment, unsubscribe

    assert {scope_of(route) for route in segment.router.routes} == {"write"}
    assert {scope_of(route) for route in [*customers.router.routes, *campaigns.router.routes]} == {"admin"}
    assert {scope_of(route) for route in unsubscribe.router.routes} == {None}
