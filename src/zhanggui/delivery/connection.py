"""One connection of a channel: takes claims, lets each message go when it may, writes down what came back.

An error of one message ends that message only, with its reason. Knows no protocol.
"""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import claims, pace, receipts
from zhanggui.delivery.channel import Channel, Outcome, Receipt
from zhanggui.delivery.claims import STOPPED, Claimed
from zhanggui.delivery.leases import Leases
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.delivery.pace import Pace
from zhanggui.errors import DeliveryError, StorageError
from zhanggui.events.log import EventLog
from zhanggui.storage import Database
from zhanggui.storage.db_errors import is_conflict
from zhanggui.touches import contacts, flows, permit
from zhanggui.touches.permit import PERSONALISATION_REFUSED, Approach, PersonMovedError, Refusal, Rules

_log = logging.getLogger(__name__)
_CONFLICTS = 50
"""So often a transaction is begun again, because another was quicker."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What only the maker of a message can say of it."""

    untrue: Callable[[sa.Connection, Message, datetime], str | None] = lambda _connection, _message, _now: None
    """What is no longer so of what it says, in the transaction that would let it go."""
    unpersonalised: Callable[[Message], Message | None] = lambda _message: None
    """What who has refused personalisation since it was planned gets instead."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What all connections of one call share."""

    database: Database
    rules: Rules
    events: EventLog
    checks: Checks
    settings: DeliverySettings
    leases: Leases
    clock: Callable[[], datetime]
    rng: random.Random
    sleep: Callable[[float], None]
    count: Callable[[str], None]
    stopping: threading.Event = field(default_factory=threading.Event)

    def transact(self, work: Callable[[sa.Connection], Answer]) -> Answer:
        """`work` in a transaction, begun again when a person was joined to another or another transaction was quicker."""
        for _ in range(_CONFLICTS):
            try:
                with self.database.transaction() as connection:
                    return work(connection)
            except PersonMovedError:
                continue
            except StorageError as error:
                if not is_conflict(error):
                    raise
        raise StorageError("another program changes the same rows again and again; try again later")


class Connection:
    """One stream of messages through a channel, of one run or of all."""

    def __init__(self, *, worker: Worker, name: str, channel: Channel, pace: Pace, run_id: str | None) -> None:
        self._worker, self._name, self._channel, self._pace, self._run_id = worker, name, channel, pace, run_id
        self._queue: deque[Claimed] = deque()
        self._leaving: dict[str, Claimed] = {}
        self._failure: Exception | None = None

    def work(self) -> None:
        """Send what is due until nothing is, the channel has to rest, or another connection has failed."""
        worker = self._worker
        try:
            while not worker.stopping.is_set() and (claimed := worker.transact(self._take)):
                self._queue = deque(claimed)
                with worker.leases.keeping(claimed[0].token):
                    self._stream()
        except BaseException:
            worker.stopping.set()
            raise

    def _take(self, connection: sa.Connection) -> list[Claimed]:
        now = self._worker.clock()
        if pace.resting_until(connection, self._name, now=now) is not None:
            return []
        return claims.take(connection, channel=self._name, now=now, settings=self._worker.settings, run_id=self._run_id)

    def _stream(self) -> None:
        """Hand the queue over, in a new stream after each message at which the channel broke."""
        worker = self._worker
        while self._queue:
            before = len(self._queue)
            error = self._hand_over()
            if self._failure is not None:
                raise self._failure
            for claimed in list(self._leaving.values()):
                self._broke(claimed, error)
            if worker.stopping.is_set():
                return
            if len(self._queue) == before:
                raise error or DeliveryError(f"the channel {self._name!r} takes no message")

    def _hand_over(self) -> Exception | None:
        """Stream until the queue is empty or the channel breaks; the error at which it did."""
        answers = iter(self._channel.send(self._cleared()))
        while True:
            try:
                receipt = next(answers)
            except StopIteration:
                return None
            except Exception as error:
                return error
            claimed = self._leaving.pop(receipt.message_id, None)
            if claimed is None:
                raise DeliveryError(f"the channel {self._name!r} gave a receipt for a message that it has not got")
            self._record(claimed, receipt)

    def _cleared(self) -> Iterator[Message]:
        """The messages that may go, each just when the channel takes it. Never raises: the channel is not to blame."""
        try:
            while self._queue and not self._worker.stopping.is_set():
                self._wait(self._queue[0].message)
                claimed = self._permitted(self._queue.popleft())
                if claimed is not None:
                    self._leaving[claimed.message.message_id] = claimed
                    yield claimed.message
        except Exception as error:
            self._failure = error

    def _wait(self, message: Message) -> None:
        """Until the rates let it go."""
        if self._pace.per_second <= 0 and self._pace.per_domain_per_second <= 0:
            return
        worker, now = self._worker, self._worker.clock()
        domain = pace.domain_of(message.address)
        moment = worker.transact(lambda connection: pace.slot(connection, self._name, domain, pace=self._pace, now=now))
        if moment > now:
            worker.sleep((moment - now).total_seconds())

    def _permitted(self, claimed: Claimed) -> Claimed | None:
        """The message as it may leave, marked as sending and counted; None when it may not."""
        worker = self._worker
        try:
            answer = worker.transact(lambda connection: self._permit(connection, claimed))
            if answer is not None and answer.reason == PERSONALISATION_REFUSED:
                claimed, answer = self._without_profile(claimed, answer)
        except (StorageError, sa.exc.OperationalError, sa.exc.ProgrammingError):
            raise
        except Exception as error:
            _log.warning("message %s cannot be sent: %s", claimed.message.message_id, error, exc_info=True)
            reason = f"{type(error).__name__}: {error}"
            worker.transact(lambda connection: self._end(connection, claimed, "dead", reason))
            worker.count("dead")
            return None
        if answer is None:
            return claimed
        worker.count("postponed" if answer.retry_at else "refused")
        return None

    def _without_profile(self, claimed: Claimed, refusal: Refusal) -> tuple[Claimed, Refusal | None]:
        """What the customer gets in place of a personalised message, and whether that may leave."""
        worker = self._worker
        other = worker.checks.unpersonalised(claimed.message)
        if other is None:
            worker.transact(lambda connection: self._end(connection, claimed, "refused", refusal.reason))
            return claimed, refusal
        claimed = replace(claimed, message=other)
        return claimed, worker.transact(lambda connection: self._permit(connection, claimed, rewritten=True))

    def _permit(self, connection: sa.Connection, claimed: Claimed, *, rewritten: bool = False) -> Refusal | None:
        worker, message, now = self._worker, claimed.message, self._worker.clock()
        approach = _approach(message)
        members = permit.hold(connection, approach)
        stopped = flows.state(connection, message.run_id) in STOPPED
        resting = pace.resting_until(connection, self._name, now=now)
        if stopped or resting is not None:
            claims.postpone(connection, claimed, until=resting or now)
            return Refusal(reason="stopped", retry_at=resting or now)
        refusal = permit.refusal(connection, approach, members, rules=worker.rules, now=now)
        if refusal is None and (untrue := worker.checks.untrue(connection, message, now)) is not None:
            refusal = Refusal(reason=untrue)
        if refusal is None:
            if not claims.begin(connection, claimed, now=now, settings=worker.settings):
                return Refusal(reason="lost", retry_at=now)
            if rewritten:
                claims.rewrite(connection, claimed)
            contacts.record(connection, message.touch, channel=message.channel, address=message.address, at=now)
        elif refusal.retry_at is not None:
            claims.postpone(connection, claimed, until=refusal.retry_at)
        elif refusal.reason != PERSONALISATION_REFUSED or rewritten:  # or else another message may do
            self._end(connection, claimed, "refused", refusal.reason)
        return refusal

    def _end(self, connection: sa.Connection, claimed: Claimed, state: str, reason: str) -> None:
        now = self._worker.clock()
        if claims.end(connection, claimed, state=state, reason=reason, now=now):
            receipts.end_touch(connection, claimed, state, reason, now=now)

    def _broke(self, claimed: Claimed, error: Exception | None) -> None:
        """The channel broke at a message, or forgot it: what the network did may have gone well."""
        del self._leaving[claimed.message.message_id]
        reason = f"{type(error).__name__}: {error}" if error else "the channel gave no receipt"
        if error is not None:
            _log.warning("message %s could not be sent: %s", claimed.message.message_id, error, exc_info=error)
        outcome: Outcome = "in_doubt" if error is None or isinstance(error, OSError) else "rejected"
        self._record(claimed, Receipt(message_id=claimed.message.message_id, outcome=outcome, detail=reason))

    def _record(self, claimed: Claimed, receipt: Receipt) -> None:
        worker = self._worker

        def written(connection: sa.Connection) -> str | None:
            permit.hold(connection, _approach(claimed.message))
            return receipts.record(
                connection,
                claimed,
                receipt,
                worker.events,
                now=worker.clock(),
                jitter=worker.rng.random(),
                settings=worker.settings,
            )

        state = worker.transact(written)
        if state is not None:
            worker.count(state)


def _approach(message: Message) -> Approach:
    return Approach(
        touch=message.touch,
        channel=message.channel,
        address=message.address,
        expires_at=message.expires_at,
        time_zone=message.data.get("time_zone"),
        personalised=bool(message.proof.get("personalised")),
    )
