"""Keeps claims alive while their messages are being sent, however long the other side takes. Knows no message."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from zhanggui.delivery import claims
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.errors import StorageError
from zhanggui.storage import Database

_log = logging.getLogger(__name__)
_BEATS_A_LEASE = 4


class Leases:
    """The claims of one worker, renewed by a thread four times a lease; a context manager.

    A renewal that the database refuses is tried again: once the lease has passed, others take over.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime], settings: DeliverySettings) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._tokens: set[str] = set()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)

    @contextmanager
    def keeping(self, token: str) -> Iterator[None]:
        """Renew this claim as long as the block lasts; what it has not begun is given back at the end."""
        with self._lock:
            self._tokens.add(token)
        try:
            yield
        finally:
            with self._lock:
                self._tokens.discard(token)
            with self._database.transaction() as connection:
                claims.give_back(connection, token)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(self._settings.lease_seconds / _BEATS_A_LEASE):
            with self._lock:
                tokens = sorted(self._tokens)
            if not tokens:
                continue
            try:
                with self._database.transaction() as connection:
                    claims.renew(connection, tokens, now=self._clock(), settings=self._settings)
            except StorageError as error:
                _log.warning("a claim could not be renewed: %s", error)
