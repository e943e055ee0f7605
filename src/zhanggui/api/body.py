"""A request's body, read and unpacked within limits of size, time and memory. Knows no key and no route."""

import asyncio
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import anyio
from starlette.types import Message, Receive, Scope

from zhanggui.api.refused import RefusedError
from zhanggui.config import ApiSettings

_GZIP = 16 + zlib.MAX_WBITS
_UNPACKING_AT_A_TIME = 2


class Bodies:
    """The bodies that are in flight; together they take up at most `bodies_in_flight_bytes`."""

    def __init__(self, limits: ApiSettings) -> None:
        self._limits, self._left = limits, limits.bodies_in_flight_bytes
        self._threads = anyio.CapacityLimiter(_UNPACKING_AT_A_TIME)

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Bytes of one request: the block gets a function that takes so many; they are given back at its end."""
        mine = 0

        def take(count: int) -> None:
            nonlocal mine
            if count > self._left:
                headers = {"Retry-After": "5"}
                raise RefusedError(503, "Too much at a time", "send it again in a while", headers=headers)
            self._left -= count
            mine += count

        try:
            yield take
        finally:
            self._left += mine

    async def read(self, scope: Scope, receive: Receive, take: Callable[[int], None]) -> bytes | None:
        """The body, unpacked; None when the client has gone. Raises RefusedError."""
        headers = dict(scope["headers"])
        packed = headers.get(b"content-encoding", b"identity").strip().lower()
        if packed not in (b"gzip", b"identity", b""):
            raise RefusedError(415, "The body's Content-Encoding is not known", "send gzip, or none")
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._limits.max_body_bytes:
            raise self._too_large("")
        body = await self._received(receive, take)
        if body is None or packed != b"gzip":
            return body
        limits = self._limits
        try:
            unpack = partial(unpacked, body, most=limits.max_body_bytes, members=limits.max_gzip_members)
            body = await anyio.to_thread.run_sync(unpack, limiter=self._threads)
        except ValueError as error:
            raise RefusedError(400, "The body is not gzip", f"its Content-Encoding says so; {error}") from None
        except OverflowError:
            raise self._too_large(" after unpacking") from None
        take(len(body))
        return body

    async def _received(self, receive: Receive, take: Callable[[int], None]) -> bytes | None:
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while more:
                    async with asyncio.timeout(self._limits.body_pause_seconds):
                        message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    if len(body) + len(part) > self._limits.max_body_bytes:
                        raise self._too_large("")
                    take(len(part))
                    body += part
                    more = message.get("more_body", False)
        except TimeoutError:
            detail = "it has to come within the time limits of the server"
            raise RefusedError(408, "The body came too slowly", detail, headers={"Connection": "close"}) from None
        return bytes(body)

    def _too_large(self, when: str) -> RefusedError:
        return RefusedError(413, "The body is too large", f"at most {self._limits.max_body_bytes} bytes{when}")


def unpacked(packed: bytes, *, most: int, members: int) -> bytes:
    """What the gzip file `packed` holds. Raises OverflowError over `most` bytes, ValueError when it is none."""
    found, rest = bytearray(), packed
    for _ in range(members):
        member = zlib.decompressobj(_GZIP)
        try:
            found += member.decompress(rest, most + 1 - len(found))
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(found) > most:
            raise OverflowError
        if not member.eof:
            raise ValueError("it is cut off")
        rest = member.unused_data.lstrip(b"\0")  # files are padded with zeros
        if not rest:
            return bytes(found)
    raise ValueError(f"it has more than {members} members")


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out `body`, which was read already, and then waits for the client to go."""
    sent = False

    async def whole() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return whole
