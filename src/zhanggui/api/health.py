"""Whether the store answers, and that within a second. Waits for no other request and for no thread of theirs."""

import asyncio
from collections.abc import Callable

import anyio

from zhanggui.errors import ZhangguiError

_PATIENCE_SECONDS = 0.7


class Health:
    """Asks the store in a thread of its own, one at a time: who asks meanwhile gets the same answer."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._thread = anyio.CapacityLimiter(1)
        self._asked: asyncio.Task[str] | None = None

    async def trouble(self) -> str:
        """What is wrong with the store; "" when it answers."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(anyio.to_thread.run_sync(self._trouble, limiter=self._thread))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asked), _PATIENCE_SECONDS)
        except TimeoutError:
            return f"the database has not answered within {_PATIENCE_SECONDS} s"

    def _trouble(self) -> str:
        try:
            self._check()
        except ZhangguiError as error:
            return str(error)
        return ""
