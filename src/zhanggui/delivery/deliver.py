"""Works the outbox off: claim, permit, send, record; several connections a channel, each with claims of its own.

Knows no channel's protocol. Safe to kill at any moment, and to run in several processes side by side.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from zhanggui.delivery.channel import Channel
from zhanggui.delivery.connection import Connection
from zhanggui.delivery.leases import Leases
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.delivery.pace import Pace
from zhanggui.delivery.worker import Checks, Worker
from zhanggui.errors import DeliveryError
from zhanggui.events.log import EventLog
from zhanggui.storage import Database
from zhanggui.touches.permit import Rules


@dataclass(kw_only=True)
class Delivered:
    """What one call did, by outcome: sent, waiting (to be tried again), dead, in_doubt, refused, postponed."""

    outcomes: Counter[str] = field(default_factory=Counter)


def deliver(
    database: Database,
    channels: Mapping[str, Channel],
    rules: Rules,
    events: EventLog,
    *,
    clock: Callable[[], datetime],
    settings: DeliverySettings,
    checks: Checks | None = None,
    paces: Mapping[str, Pace] | None = None,
    run_id: str | None = None,
    rng: random.Random | None = None,
    sleep: Callable[[float], None] = time.sleep,
    progress: Callable[[int], None] = lambda _count: None,
) -> Delivered:
    """Send everything that is due now (of one run, or of all) and return. Raises DeliveryError without channels.

    `checks` say of a message what rests on more than the touch; `paces` how fast each channel goes.
    """
    if not channels:
        raise DeliveryError("no channel is set up; write a [channels.email] section into zhanggui.toml")
    done, counting = Delivered(), threading.Lock()

    def count(outcome: str) -> None:
        with counting:
            done.outcomes[outcome] += 1
            progress(1)

    with Leases(database, clock=clock, settings=settings) as leases:
        worker = Worker(
            database=database,
            rules=rules,
            events=events,
            checks=checks or Checks(),
            settings=settings,
            leases=leases,
            clock=clock,
            rng=rng or random.Random(),  # noqa: S311 - jitter, not a secret
            sleep=sleep,
            count=count,
        )
        connections = [
            Connection(worker=worker, name=name, channel=channel, pace=pace, run_id=run_id)
            for name, channel in sorted(channels.items())
            for pace in [(paces or {}).get(name, Pace())]
            for _ in range(pace.connections)
        ]
        if len(connections) == 1:
            connections[0].work()
            return done
        with ThreadPoolExecutor(len(connections), thread_name_prefix="deliver") as pool:
            try:
                for ended in [pool.submit(connection.work) for connection in connections]:
                    ended.result()
            except BaseException:
                worker.stopping.set()
                raise
    return done
