"""One connection of a channel: takes claims, hands over what may leave, writes down what came back. Knows no protocol."""

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import claims, pace, permission, receipts
from zhanggui.delivery.channel import Channel, Outcome, Receipt
from zhanggui.delivery.claims import Claimed
from zhanggui.delivery.pace import Pace
from zhanggui.delivery.permission import Handful, Permitted
from zhanggui.delivery.worker import Worker
from zhanggui.errors import DeliveryError
from zhanggui.storage import locks

_log = logging.getLogger(__name__)


class Connection:
    """One stream of messages through a channel, of one run or of all."""

    def __init__(self, *, worker: Worker, name: str, channel: Channel, pace: Pace, run_id: str | None) -> None:
        self._worker, self._name, self._channel, self._pace, self._run_id = worker, name, channel, pace, run_id
        self._queue: deque[Claimed] = deque()
        self._ready: deque[Permitted] = deque()
        self._leaving: dict[str, Permitted] = {}
        self._handful = Handful()
        self._failure: Exception | None = None

    def work(self) -> None:
        """Send what is due until nothing is, the channel has to rest, or another connection has failed."""
        worker = self._worker
        try:
            while not worker.stopping.is_set() and (claimed := worker.transact(self._take)):
                self._queue, self._ready = deque(claimed), deque()
                with worker.leases.keeping(claimed[0].token):
                    self._stream()
        except BaseException:
            worker.stopping.set()
            raise

    def _take(self, connection: sa.Connection) -> list[Claimed]:
        now = self._worker.clock()
        if pace.resting_until(connection, self._name, now=now) is not None:
            return []
        # To a slow server every connection is worth having: none may claim what another could send meanwhile.
        settings = self._worker.settings
        settings = replace(settings, batch=max(1, settings.batch // self._pace.connections))
        return claims.take(connection, channel=self._name, now=now, settings=settings, run_id=self._run_id)

    def _stream(self) -> None:
        """Hand the queue over, in a new stream after each message at which the channel broke."""
        worker = self._worker
        while self._queue or self._ready:
            before = len(self._queue) + len(self._ready)
            error = self._hand_over()
            if self._failure is not None:
                raise self._failure
            for permitted in list(self._leaving.values()):
                self._broke(permitted, error)
            if worker.stopping.is_set():
                return
            if len(self._queue) + len(self._ready) == before:
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
            permitted = self._leaving.pop(receipt.message_id, None)
            if permitted is None:
                raise DeliveryError(f"the channel {self._name!r} gave a receipt for a message that it has not got")
            self._record(permitted, receipt)

    def _cleared(self) -> Iterator[Message]:
        """The messages that may go, each just when the channel takes it. Never raises: the channel is not to blame."""
        try:
            while not self._worker.stopping.is_set() and (permitted := self._next()) is not None:
                message = permitted.claimed.message
                self._leaving[message.message_id] = permitted
                yield message
        except Exception as error:
            self._failure = error

    def _next(self) -> Permitted | None:
        """The next message that may leave now, noted as handed over; None when there is none."""
        while self._queue or self._ready:
            if self._ready and not self._handful.is_fresh:
                self._ask_again()
            if not self._ready:
                self._ask()
                continue
            permitted = self._ready[0]
            if not permitted.alone and not self._note(permitted.claimed):
                self._ask_again()  # the claim is lost, or the flow was stopped: which, permission says
                continue
            self._ready.popleft()
            if not self._ready:
                self._handful.left()
            return permitted
        return None

    def _note(self, claimed: Claimed) -> bool:
        return self._worker.transact(lambda connection: claims.hand_over(connection, claimed))

    def _ask(self) -> None:
        """Permission for the next handful, or for the next one alone where a rate says when."""
        size = self._handful.size
        if self._pace.per_second > 0 or self._pace.per_domain_per_second > 0:
            self._wait(self._queue[0].message)
            size = 1
        first = [self._queue[place] for place in range(min(size, len(self._queue)))]
        decided, permitted = permission.ask(self._worker, self._name, first)
        for _ in range(decided):
            self._queue.popleft()
        self._ready.extend(permitted)
        self._handful.begin()

    def _ask_again(self) -> None:
        """What was permitted and has not left goes back to the head of the queue."""
        token = self._ready[0].claimed.token
        self._worker.transact(lambda connection: claims.put_back(connection, token))
        self._queue.extendleft(permitted.claimed for permitted in reversed(self._ready))
        self._ready.clear()
        self._handful.spoilt()

    def _wait(self, message: Message) -> None:
        """Until the rates let it go."""
        worker, now = self._worker, self._worker.clock()
        domain = pace.domain_of(message.address)
        moment = worker.transact(lambda connection: pace.slot(connection, self._name, domain, pace=self._pace, now=now))
        if moment > now:
            worker.sleep((moment - now).total_seconds())

    def _broke(self, permitted: Permitted, error: Exception | None) -> None:
        """The channel broke at a message, or forgot it: what the network did may have gone well."""
        message_id = permitted.claimed.message.message_id
        del self._leaving[message_id]
        reason = f"{type(error).__name__}: {error}" if error else "the channel gave no receipt"
        if error is not None:
            _log.warning("message %s could not be sent: %s", message_id, error, exc_info=error)
        outcome: Outcome = "in_doubt" if error is None or isinstance(error, OSError) else "rejected"
        self._record(permitted, Receipt(message_id=message_id, outcome=outcome, detail=reason))

    def _record(self, permitted: Permitted, receipt: Receipt) -> None:
        worker = self._worker

        def written(connection: sa.Connection) -> str | None:
            locks.hold(connection, permitted.keys)
            return receipts.record(
                connection,
                permitted.claimed,
                receipt,
                worker.events,
                now=worker.clock(),
                jitter=worker.rng.random(),
                settings=worker.settings,
            )

        state = worker.transact(written)
        if state is not None:
            worker.count(state)
        if receipt.outcome != "accepted" and self._ready:
            self._ask_again()
