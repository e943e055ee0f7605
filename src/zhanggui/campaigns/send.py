"""Sends what is due of a run or a journey. Knows not who walks it."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from zhanggui.campaigns import journey_store, store
from zhanggui.campaigns.advance import ended
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.product_facts import untrue
from zhanggui.campaigns.replan_unpersonalised import ReplanUnpersonalised
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.content import copies
from zhanggui.content.message import Message
from zhanggui.delivery import Checks, deliver, outbox
from zhanggui.profiles.snapshot import Snapshot, opened
from zhanggui.touches.permit import Rules

_NAP_SECONDS = 0.25


def send(parts: RunParts, run: Run, *, check: Callable[[], None] = lambda: None) -> None:
    """Send what is due now or soon: retries are waited for, what is due after quiet hours is not.

    `check` is asked again and again whether to go on, and raises if not.
    """
    while (due := _send_due(parts, run)) is not None:
        wait = (due - parts.clock()).total_seconds()
        if wait > parts.delivery.max_wait_seconds:
            break
        until = time.monotonic() + max(0.05, wait)
        while (left := until - time.monotonic()) > 0:
            check()
            time.sleep(min(left, _NAP_SECONDS))
    check()


def _send_due(parts: RunParts, run: Run) -> datetime | None:
    """Send what is due; returns when the run's next message is, None when all have ended."""
    with parts.database.reading() as connection:
        waiting = sum(outbox.counts(connection, run.run_id).states.values())

    def campaign() -> Campaign:
        with parts.database.reading() as connection:
            return store.with_campaign(connection, run.run_id)[1]

    # Of the run, and so the same for all who have refused: read once, and only if somebody has.
    plain = ReplanUnpersonalised(
        parts=parts,
        run=run,
        campaign=cache(campaign),
        snapshot=cache(lambda: snapshot_of(parts, run)),
        copies=cache(lambda: copies.read(copies.kept(parts.artifacts, run.run_id))),
    )
    parts.progress("messages", 0, waiting)
    if waiting:
        _deliver(
            parts,
            run.run_id,
            Checks(untrue=untrue, unpersonalised=plain),
            progress=lambda count: parts.progress("messages", count, waiting),
        )
    with parts.database.reading() as connection:
        return outbox.next_due(connection, run.run_id)


def send_journey(parts: RunParts, flow_id: str) -> None:
    """Send what is due of a journey, unless the customer has left it since. Raises NotFoundError."""
    with parts.database.reading() as connection:
        journey, _ = journey_store.get(connection, flow_id)

    def no_longer(connection: sa.Connection, message: Message, now: datetime) -> str | None:
        return ended(connection, flow_id, journey, message) or untrue(connection, message, now)

    _deliver(parts, flow_id, Checks(untrue=no_longer), progress=lambda count: parts.progress("messages", count, None))


def _deliver(parts: RunParts, flow_id: str, checks: Checks, *, progress: Callable[[int], None]) -> None:
    deliver(
        parts.database,
        parts.channels(),
        Rules(limits=parts.limits, time_zone=parts.time_zone),
        parts.events,
        clock=parts.clock,
        settings=parts.delivery,
        checks=checks,
        paces=parts.paces,
        run_id=flow_id,
        progress=progress,
    )


def snapshot_of(parts: RunParts, run: Run) -> Snapshot:
    """The profiles that a run decides by."""
    with parts.database.reading() as connection:
        version = store.find(connection, run.run_id).results["snapshot"]["version"]
    return opened(parts.artifacts.get("profiles", version))
