"""Works the outbox off: claim, permit, send, record. Consent is asked in the transaction that lets a message go.

Knows no channel's protocol. Safe to kill at any moment, and to run in several processes side by side.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.errors import DeliveryError
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a message may not leave; with `retry_at`, only not yet."""

    reason: str
    retry_at: datetime | None = None


class Gate:
    """What stands between the outbox and the world; the campaigns room builds one.

    `permit` is asked, and `left` told, inside the transaction that marks the message as sending; `returned` is told
    inside the one that records its receipt.
    """

    def permit(self, connection: sa.Connection, message: Message, now: datetime) -> Message | Refusal:
        """The message as it may leave now, which need not be as it was planned; or why it may not."""
        raise NotImplementedError

    def left(self, connection: sa.Connection, message: Message, now: datetime) -> None:
        """It is about to leave."""
        raise NotImplementedError

    def returned(self, connection: sa.Connection, message: Message, receipt: Receipt, now: datetime) -> None:
        """The other side has spoken."""
        raise NotImplementedError


@dataclass(kw_only=True)
class Delivered:
    """What one call did, by outcome: sent, waiting (to be tried again), dead, refused, postponed."""

    outcomes: Counter[str] = field(default_factory=Counter)


def deliver(
    database: Database,
    channels: Mapping[str, Channel],
    gate: Gate,
    *,
    clock: Callable[[], datetime],
    settings: DeliverySettings,
    run_id: str | None = None,
    rng: random.Random | None = None,
    progress: Callable[[int], None] = lambda _count: None,
) -> Delivered:
    """Send everything that is due now (of one run, or of all) and return. Raises DeliveryError without channels."""
    if not channels:
        raise DeliveryError("no channel is set up; write a [channels.email] section into zhanggui.toml")
    done = Delivered()
    chance = rng or random.Random()  # noqa: S311 - jitter, not a secret
    while True:
        with database.transaction() as connection:
            token, batch = outbox.claim(
                connection, now=clock(), settings=settings, channels=sorted(channels), run_id=run_id
            )
        if not batch:
            return done
        for name in sorted({message.channel for message in batch}):
            mine = [message for message in batch if message.channel == name]
            _send(database, channels[name], mine, token, gate, clock, settings, chance, done, progress)


def _send(
    database: Database,
    channel: Channel,
    batch: list[Message],
    token: str,
    gate: Gate,
    clock: Callable[[], datetime],
    settings: DeliverySettings,
    chance: random.Random,
    done: Delivered,
    progress: Callable[[int], None],
) -> None:
    leaving: list[Message] = []

    def cleared() -> Iterator[Message]:
        """Messages whose transaction has let them go, one at a time, just when the channel takes them."""
        for message in batch:
            with database.transaction() as connection:
                now = clock()
                found = gate.permit(connection, message, now)
                if not isinstance(found, Refusal):
                    if not outbox.begin(connection, found, token, now=now, settings=settings):
                        continue  # another worker has taken it over
                    if found is not message:
                        outbox.rewrite(connection, found, token)
                    gate.left(connection, found, now)
                elif found.retry_at is not None:
                    outbox.postpone(connection, message, token, until=found.retry_at)
                else:
                    outbox.refuse(connection, message, token, reason=found.reason, now=now)
            if not isinstance(found, Refusal):
                leaving.append(found)
                yield found
            else:
                done.outcomes["postponed" if found.retry_at else "refused"] += 1
                progress(1)

    for receipt in channel.send(cleared()):
        message = leaving.pop(0)
        assert receipt.message_id == message.message_id, "a channel yields receipts in the order of its messages"
        with database.transaction() as connection:
            now = clock()
            state = outbox.record(
                connection, message, token, receipt, now=now, jitter=chance.random(), settings=settings
            )
            gate.returned(connection, message, receipt, now)
        done.outcomes[state] += 1
        progress(1)
