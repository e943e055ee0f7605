"""Lets claimed messages go: permitted, counted and marked as sending in one transaction, as many at once as soon leave.

An error of one message ends that message only, with its reason. Sends nothing.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import claims, pace, receipts
from zhanggui.delivery.claims import STOPPED, Claimed
from zhanggui.delivery.worker import Worker
from zhanggui.errors import StorageError
from zhanggui.touches import contacts, flows, permit
from zhanggui.touches.permit import PERSONALISATION_REFUSED, Approach, Refusal

_log = logging.getLogger(__name__)
_MOST = 32
_SOON_SECONDS = 0.1
"""So long, about, what was permitted together takes to leave."""
FRESH_SECONDS = 0.25
"""After so long a permission is asked for again."""


@dataclass(frozen=True, kw_only=True)
class Permitted:
    """A message that may leave now, and the locks under which its receipt is written."""

    claimed: Claimed
    keys: Sequence[str]
    alone: bool = True
    """Whether it was permitted alone, and so noted as handed over already."""


class Handful:
    """How many messages are permitted at once: one at first, and as long as others are quick, more."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.size, self._monotonic, self._begun = 1, monotonic, 0.0

    def begin(self) -> None:
        """A handful has been permitted."""
        self._begun = self._monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it was permitted just now."""
        return self._monotonic() - self._begun < FRESH_SECONDS

    def left(self) -> None:
        """All of it has left: the next one may be larger if that was quick, and is smaller if it was not."""
        taken = max(self._monotonic() - self._begun, 1e-6)
        self.size = max(1, min(_MOST, 2 * self.size, int(self.size * _SOON_SECONDS / taken)))

    def spoilt(self) -> None:
        """Something else than an acceptance came back: the next ones are permitted one by one."""
        self.size = 1


def ask(worker: Worker, name: str, queue: Sequence[Claimed]) -> tuple[int, list[Permitted]]:
    """Ask for the first messages of `queue` on the channel `name`; of how many was decided, and which may leave now."""
    try:
        decided = worker.transact(lambda connection: _decide(worker, connection, name, queue))
    except (StorageError, sa.exc.OperationalError, sa.exc.ProgrammingError):
        raise
    except Exception as error:
        if len(queue) > 1:  # whose fault it is shows when each is asked for alone
            return ask(worker, name, queue[:1])
        message_id = queue[0].message.message_id
        _log.warning("message %s cannot be sent: %s", message_id, error, exc_info=True)
        _end_alone(worker, queue[0], "dead", f"{type(error).__name__}: {error}")
        return 1, []
    permitted = []
    for claimed, answer in zip(queue, decided, strict=False):
        if isinstance(answer, Permitted):
            permitted.append(answer)
        elif answer.reason == PERSONALISATION_REFUSED and claimed.message.proof.get("personalised"):
            permitted += _without_profile(worker, name, claimed, answer)
        else:
            worker.count("postponed" if answer.retry_at else "refused")
    return len(decided), permitted


def _without_profile(worker: Worker, name: str, claimed: Claimed, refusal: Refusal) -> list[Permitted]:
    """What the customer gets in place of a personalised message, if that may leave."""
    other = worker.checks.unpersonalised(claimed.message)
    if other is None or other.proof.get("personalised"):
        _end_alone(worker, claimed, "refused", refusal.reason)
        return []
    worker.transact(lambda connection: claims.rewrite(connection, replace(claimed, message=other)))
    return ask(worker, name, [replace(claimed, message=other)])[1]


def _end_alone(worker: Worker, claimed: Claimed, state: str, reason: str) -> None:
    worker.transact(lambda connection: _end(connection, claimed, state, reason, worker.clock()))
    worker.count(state)


def _decide(
    worker: Worker, connection: sa.Connection, name: str, queue: Sequence[Claimed]
) -> list[Permitted | Refusal]:
    """Of as many of the first messages as share neither person nor address: whether each may leave."""
    approaches = [_approach(claimed.message) for claimed in queue]
    members = permit.hold(connection, approaches)
    queue, approaches = queue[: len(members)], approaches[: len(members)]
    now = worker.clock()
    resting = pace.resting_until(connection, name, now=now)
    states = {run: flows.state(connection, run) for run in {claimed.message.run_id for claimed in queue}}
    asked = permit.refusals(connection, approaches, members, rules=worker.rules, now=now)
    answers: list[Permitted | Refusal] = []
    for claimed, approach, ids, refusal in zip(queue, approaches, members, asked, strict=True):
        state = states[claimed.message.run_id]
        if state == "cancelled":  # whoever cancelled it has ended what waited then
            refusal = Refusal(reason="cancelled")
        elif resting is not None or state in STOPPED:
            refusal = Refusal(reason="stopped", retry_at=resting or now)
        elif refusal is None and (untrue := worker.checks.untrue(connection, claimed.message, now)) is not None:
            refusal = Refusal(reason=untrue)
        answers.append(refusal or Permitted(claimed=claimed, keys=permit.keys(ids, approach)))
    leaving = [answer.claimed for answer in answers if isinstance(answer, Permitted)]
    begun, alone = _begin(worker, connection, leaving, now), len(leaving) == 1
    for place, (claimed, answer) in enumerate(zip(queue, answers, strict=True)):
        if isinstance(answer, Permitted):
            held = claimed.message.message_id in begun
            answers[place] = replace(answer, alone=alone) if held else Refusal(reason="lost", retry_at=now)
        elif answer.retry_at is not None:
            claims.postpone(connection, claimed, until=answer.retry_at)
        elif answer.reason != PERSONALISATION_REFUSED:  # for which another message may do
            _end(connection, claimed, "refused", answer.reason, now)
    return answers


def _begin(worker: Worker, connection: sa.Connection, leaving: Sequence[Claimed], now: datetime) -> set[str]:
    """Mark messages as sending and count them as contacts: if we die now, they may have reached somebody."""
    if not leaving:
        return set()
    begun = claims.begin(connection, leaving, now=now, settings=worker.settings)
    made = [(one.message.touch, one.message.address) for one in leaving if one.message.message_id in begun]
    if made:
        contacts.record(connection, made, channel=leaving[0].message.channel, at=now)
    return begun


def _end(connection: sa.Connection, claimed: Claimed, state: str, reason: str, now: datetime) -> None:
    if claims.end(connection, claimed, state=state, reason=reason, now=now):
        receipts.end_touch(connection, claimed, state, reason, now=now)


def _approach(message: Message) -> Approach:
    return Approach(
        touch=message.touch,
        channel=message.channel,
        address=message.address,
        expires_at=message.expires_at,
        time_zone=message.data.get("time_zone"),
        personalised=bool(message.proof.get("personalised")),
    )
