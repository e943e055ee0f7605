"""A term of a flow that renews itself while it is held, and stops by itself where it cannot. Knows not what is done under it.

Time since the last renewal is told by this process's own monotonic clock, from before the database was asked: so it is
over here before it is over there.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from zhanggui.errors import BusyError, FlowError, ZhangguiError
from zhanggui.storage import Database
from zhanggui.touches import flows
from zhanggui.touches.flows import Flow, Term

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OwnershipSettings:
    """How long a flow's owner is waited for, in seconds."""

    ttl_seconds: float = 45.0
    """Another worker takes over when the owner has not been heard of for so long."""
    heartbeat_seconds: float = 10.0
    """The owner is heard of so often."""
    margin_seconds: float = 5.0
    """The owner stops so long before its term is over."""
    look_seconds: float = 0.25
    """The owner sees within so long that it was paused, cancelled or replaced."""

    @property
    def ttl(self) -> timedelta:
        """As a length of time."""
        return timedelta(seconds=self.ttl_seconds)


class Ownership:
    """A term that was begun at `began` by `monotonic`. While it is entered a thread renews it; leaving resigns."""

    def __init__(
        self,
        database: Database,
        term: Term,
        *,
        began: float,
        settings: OwnershipSettings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.term = term
        self._database, self._settings, self._monotonic = database, settings, monotonic
        self._deadline = self._deadline_from(began)
        self._looked = began
        self._left = threading.Event()
        self._heart = threading.Thread(target=self._keep_beating)

    def check(self) -> None:
        """Go on only while the term lasts and the flow runs. Raises BusyError and FlowError."""
        moment = self._monotonic()
        if moment >= self._deadline:
            raise _over(self.term.flow_id)
        if moment >= self._looked + self._settings.look_seconds:
            with self._database.reading() as connection:
                if not flows.lasts(connection, self.term):
                    raise _refusal(connection, self.term.flow_id)
            self._looked = moment

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction within which the term lasts and the flow runs. Raises BusyError and FlowError."""
        with self._database.transaction() as connection:
            if self._monotonic() >= self._deadline:
                raise _over(self.term.flow_id)
            if not flows.lasts(connection, self.term, lock=True):
                raise _refusal(connection, self.term.flow_id)
            yield connection

    def beat(self) -> bool:
        """Renew the term; False when it is over. A database that does not answer is asked again until it is."""
        asked = self._monotonic()
        try:
            with self._database.transaction() as connection:
                renewed = flows.renew(connection, self.term, ttl=self._settings.ttl)
        except ZhangguiError as error:
            _log.warning("%s: its owner could not be heard: %s", self.term.flow_id, error)
            return asked < self._deadline
        self._deadline = self._deadline_from(asked) if renewed else asked
        return renewed

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._heart.join()
        try:
            with self._database.transaction() as connection:
                flows.resign(connection, self.term)
        except ZhangguiError as failed:  # the next owner waits until the term is over
            _log.warning("%s: its owner could not resign: %s", self.term.flow_id, failed)

    def _keep_beating(self) -> None:
        while not self._left.wait(self._settings.heartbeat_seconds):
            if not self.beat():
                return

    def _deadline_from(self, began: float) -> float:
        return began + self._settings.ttl_seconds - self._settings.margin_seconds


def begin(connection: sa.Connection, flow_id: str, *, settings: OwnershipSettings) -> Term:
    """Begin a term of a flow. Raises BusyError while another works it, FlowError when it does not run."""
    term = flows.acquire(connection, flow_id, secrets.token_hex(8), ttl=settings.ttl)
    if term is None:
        raise _refusal(connection, flow_id)
    return term


def refusal(flow: Flow) -> ZhangguiError:
    """Why nothing is done for a flow, and what to do."""
    because = f" ({flow.reason})" if flow.reason else ""
    command, anew = (
        ("campaign", "run it for another moment") if flow.kind == "run" else ("flow", "give it another name")
    )
    if flow.state == "paused":
        return FlowError(f"{flow.flow_id} is paused{because}; `zhanggui {command} resume {flow.flow_id}` lets it go on")
    if flow.state == "cancelled":
        return FlowError(f"{flow.flow_id} was cancelled{because}, for good; {anew}")
    if flow.state == "done":
        return FlowError(f"{flow.flow_id} is done")
    return BusyError(f"another worker is at {flow.flow_id}; wait until it has ended")


def _refusal(connection: sa.Connection, flow_id: str) -> ZhangguiError:
    return refusal(flows.get(connection, flow_id))


def _over(flow_id: str) -> BusyError:
    return BusyError(f"{flow_id} could not be held: the database was not heard of for too long; another worker goes on")
