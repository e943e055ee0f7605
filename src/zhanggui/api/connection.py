"""One connection: a request's head, and the reading of an answer, have a time limit; a body is read when it is asked for.

uvicorn knows a time limit for idle connections only: half a head stays open for ever there. Knows no route but the health's.
"""

import asyncio
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from zhanggui.api.connections import Connections
from zhanggui.api.problems import problem

HEALTH = "/healthz"
_CROWDED_SECONDS = 1.0
_READ_BYTES = 4 * 1024
"""At a time. All that was read is parsed in one go, and a chunk of a body takes 5 microseconds, be it of one byte."""
_READ_WHOLE_BYTES = 64 * 1024
"""At a time, of a body that says how long it is: it has no chunks."""


class _Request(h11.Connection):
    """h11's, which hands out nothing of a body before somebody wants it: chunks of a byte cost more than their key check."""

    body_wanted = False

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        if self.their_state is h11.SEND_BODY and not self.body_wanted:
            return h11.NEED_DATA
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.body_wanted = False
        return event


class Connection(H11Protocol):
    """uvicorn's, with a deadline: from the opening, or the end of an answer, until the head of the next request is there.

    An address that has more connections than its share is asked for heads quickly, and hears about health only.
    """

    def __init__(self, *arguments: Any, connections: Connections, head_seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn: _Request = _Request(h11.SERVER)
        self.app = self._on_demand(cast(ASGIApp, self.app))
        self._connections, self._seconds = connections, head_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._unsent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and begin to wait for a head."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._read_at_a_time(_READ_BYTES)
        if self._connections.enter(self._host):
            self.app = _health_only(cast(ASGIApp, self.app))
            self._seconds = min(self._seconds, _CROWDED_SECONDS)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_clock()
        self._connections.waits_no_more(self)
        self._connections.leave(self._host)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """As uvicorn; once a head is there, nothing more is read until the application asks for the body."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_clock()
            self._connections.waits_no_more(self)
            self.flow.pause_reading()
            if not any(name == b"transfer-encoding" for name, _ in self.headers):
                self._read_at_a_time(_READ_WHOLE_BYTES)

    def on_response_complete(self) -> None:
        """As uvicorn; a body that was not asked for is read past, and the next head waited for."""
        self._wait_for_head()
        self._read_at_a_time(_READ_BYTES)
        super().on_response_complete()
        if not self.transport.is_closing():
            self._want_body()

    def pause_writing(self) -> None:
        """As uvicorn; a client that takes nothing of its answer has as long as for a head."""
        self._start_clock()
        super().pause_writing()

    def resume_writing(self) -> None:
        """As uvicorn; between an answer and the next head the clock goes on."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_clock()
        super().resume_writing()

    def give_up(self) -> None:
        """Close it at once, whatever is still to be sent."""
        self._stop_clock()
        self._connections.waits_no_more(self)
        self.transport.abort()

    @property
    def _host(self) -> str:
        return self.client[0] if self.client else ""

    def _read_at_a_time(self, count: int) -> None:
        cast(Any, self.transport).max_size = count

    def _on_demand(self, app: ASGIApp) -> ASGIApp:
        async def with_body_on_demand(scope: Scope, receive: Receive, send: Send) -> None:
            async def body() -> Message:
                self._want_body()
                return await receive()

            await app(scope, body, send)

        return with_body_on_demand

    def _want_body(self) -> None:
        if not self.conn.body_wanted:
            self.conn.body_wanted = True
            self.handle_events()

    def _wait_for_head(self) -> None:
        self._start_clock()
        self._connections.waits(self)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._unsent = self.transport.get_write_buffer_size()
        self._deadline = self.loop.call_later(self._seconds, self._ring)

    def _ring(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:  # it takes its answer, if slowly
            self._start_clock()
        else:
            self.give_up()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _health_only(app: ASGIApp) -> ASGIApp:
    async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == HEALTH:
            await app(scope, receive, send)
            return
        headers = {"Retry-After": "1", "Connection": "close"}
        refusal = problem(503, "Too many connections", "this address has too many open; close some", headers=headers)
        await refusal(scope, receive, send)

    return crowded
