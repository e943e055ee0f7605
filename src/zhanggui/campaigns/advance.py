"""Moves the customers of a journey on: in by an event, from step to step in time, out by another event. Sends nothing.

What is due is put into a batch first, whose name is that of its decisions; so a batch that was cut off is made again under
the same name. Messages and steps are written down together.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import sqlalchemy as sa

from zhanggui.campaigns import journey_entries as entries
from zhanggui.campaigns import journey_signals as signals
from zhanggui.campaigns.journey import Journey, Step, campaign_of
from zhanggui.campaigns.journey_entries import Entry
from zhanggui.campaigns.journey_signals import Signal
from zhanggui.campaigns.messages import PERSONAL, briefs_of, messages_of
from zhanggui.campaigns.plan import choice, plan
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.content.compose import message_id
from zhanggui.content.message import Message
from zhanggui.content.write import write
from zhanggui.delivery import outbox
from zhanggui.profiles.glimpse import Glimpse, glimpse
from zhanggui.profiles.snapshot import Snapshot, latest
from zhanggui.touches.ownership import Ownership

_AT_ONCE = 200
ENDED = "flow_ended"
"""Why a message of a journey does not leave that has ended since."""


@dataclass(frozen=True, kw_only=True)
class Advanced:
    """What one call did."""

    entered: int
    ended: int
    """By an event."""
    messages: int


def advance(parts: RunParts, flow_id: str, journey: Journey, own: Ownership) -> Advanced:
    """Listen to what has happened since, and make the steps that are due. Raises BusyError and FlowError as `own` does."""
    entered = ended = messages = 0
    while True:
        with own.transaction() as connection:
            heard = signals.after(connection, signals.position(connection, flow_id), limit=_AT_ONCE)
            for signal in heard:
                came, left = _listen(connection, flow_id, journey, signal)
                entered += came
                ended += left
            if heard:
                signals.listened(connection, flow_id, heard[-1].seq)
        if len(heard) < _AT_ONCE:
            break
    while True:
        with own.transaction() as connection:
            batch = _batch(connection, parts, flow_id, journey)
        if not batch:
            return Advanced(entered=entered, ended=ended, messages=messages)
        made = list(_messages(parts, flow_id, journey, batch, own))
        with own.transaction() as connection:
            outbox.enqueue(connection, made, now=parts.clock())
            for entry in batch:
                _pass(connection, flow_id, journey, entry)
        messages += len(made)


def ended(connection: sa.Connection, flow_id: str, journey: Journey, message: Message) -> str | None:
    """Why a message of a journey must not leave any more, asked in the moment when it would; None when it may."""
    entry = entries.of_entry(connection, flow_id, message.entry)
    return None if entry is None or _ended(connection, journey, entry) is None else ENDED


def _listen(connection: sa.Connection, flow_id: str, journey: Journey, signal: Signal) -> tuple[int, int]:
    """How many customers an event has let in, and how many out."""
    _, ids = entries.ids_of(connection, signal.customer_id)
    left = 0
    on_the_way = entries.open_of(connection, flow_id, ids)
    for entry in on_the_way:
        if (name := _ended(connection, journey, entry)) is not None:
            entries.change(connection, flow_id, entry.entry, state="ended", reason=name, batch=None)
            left += 1
    if signal.name != journey.begins or len(on_the_way) > left:
        return 0, left
    product_id = signal.product_ids[0] if signal.product_ids else None
    if signals.ended_by(connection, journey, ids, product_id, signal.at) is not None:  # it was heard of late
        return 0, left
    return int(entries.enter(connection, flow_id, journey, signal)), left


def _ended(connection: sa.Connection, journey: Journey, entry: Entry) -> str | None:
    _, ids = entries.ids_of(connection, entry.customer_id)
    return signals.ended_by(connection, journey, ids, entry.product_id, entry.entered_at)


def _batch(connection: sa.Connection, parts: RunParts, flow_id: str, journey: Journey) -> list[Entry]:
    """What is to be made now, with the step that each has come to: a batch that was cut off, or a new one."""
    for entry in (cut_off := entries.in_a_batch(connection, flow_id)):
        if not journey.since(entry.step):
            entries.change(connection, flow_id, entry.entry, state="ended", reason="step_gone", batch=None)
    if there := [entry for entry in cut_off if journey.since(entry.step)]:
        return [entry for entry in there if entry.batch == there[0].batch]
    now, name = parts.clock(), f"{flow_id[:40]}-{secrets.token_hex(4)}"
    late = timedelta(hours=parts.delivery.expire_hours)
    while due := entries.due(connection, flow_id, now=now, limit=_AT_ONCE):
        batch = []
        for entry in due:
            step = _step_now(journey, entry, now)
            reason = (
                _ended(connection, journey, entry)
                or _passed_by(connection, flow_id, entry)
                or ("step_gone" if step is None else "expired" if entry.entered_at + step.after + late <= now else None)
            )
            if step is None or reason is not None:
                entries.change(connection, flow_id, entry.entry, state="ended", reason=reason)
            elif (due_at := entry.entered_at + step.after) > now:  # the journey has been changed
                entries.change(connection, flow_id, entry.entry, step=step.name, due_at=due_at)
            else:
                entries.change(connection, flow_id, entry.entry, step=step.name, batch=name)
                batch.append(replace(entry, step=step.name, batch=name))
        if batch:
            return batch
    return []


def _step_now(journey: Journey, entry: Entry, now: datetime) -> Step | None:
    """The last step that is due, since who was not looked after for days does not get two messages at once; or else the next."""
    due = [step for step in journey.since(entry.step) if entry.entered_at + step.after <= now]
    return due[-1] if due else next(iter(journey.since(entry.step)), None)


def _passed_by(connection: sa.Connection, flow_id: str, entry: Entry) -> str | None:
    """Whether the same person, known under two ids until now, is on the way already."""
    _, ids = entries.ids_of(connection, entry.customer_id)
    return None if entries.open_of(connection, flow_id, ids)[0].entry == entry.entry else "same_person"


def _pass(connection: sa.Connection, flow_id: str, journey: Journey, entry: Entry) -> None:
    """The step is made: on to the next one, or out by the last."""
    after = journey.since(entry.step)[1:]
    if after:
        due = entry.entered_at + after[0].after
        entries.change(connection, flow_id, entry.entry, step=after[0].name, due_at=due, batch=None)
    else:
        entries.change(connection, flow_id, entry.entry, state="ended", reason="through", batch=None)


def _messages(
    parts: RunParts, flow_id: str, journey: Journey, batch: Sequence[Entry], own: Ownership
) -> Iterator[Message]:
    """The messages of a batch, decided and written by step and product; each decision is logged."""
    steps = {step.name: step for step in journey.steps}
    now = parts.clock()
    with parts.database.reading() as connection:
        persons = {entry.entry: entries.ids_of(connection, entry.customer_id)[0] for entry in batch}

    def alike(entry: Entry) -> tuple[str, str]:
        return entry.step, entry.product_id or ""

    for number, ((step, product_id), group) in enumerate(groupby(sorted(batch, key=alike), key=alike)):
        own.check()
        campaign = campaign_of(journey, steps[step], product_id or None)
        options = choice(parts, campaign)
        of_person = {persons[entry.entry]: entry for entry in group}
        name = f"{batch[0].batch}-{number:03d}"
        run = Run(run_id=name, campaign=journey.name, version=0, moment=now, started_at=now)
        todo = []
        for part, profiles in enumerate(_profiles(parts, list(of_person), now)):
            for decisions, table in plan(
                parts, campaign, profiles, options, run_id=name, now=now, customer_ids=list(of_person)
            ):
                parts.decisions.write(decisions, batch=part)
                rows = {row["customer_id"]: row for row in table.select(list(PERSONAL)).to_pylist()}
                todo += list(briefs_of(parts, campaign, options, decisions, rows))
        needed = {brief.language for _, _, brief in todo}
        model = parts.model() if needed & set(parts.model_languages) else None
        written = write(
            [brief for _, _, brief in todo],
            model,
            languages=parts.model_languages,
            settings=parts.content,
            progress=lambda _count: own.check(),
        )
        for message in messages_of(parts, run, options, iter(todo), written.copies):
            entry = of_person[message.customer_id]
            of_touch = message_id(f"{flow_id}\x1f{entry.entry}\x1f{step}", message.customer_id, message.channel)
            yield replace(message, message_id=of_touch, run_id=flow_id, entry=entry.entry, step=step)


def _profiles(parts: RunParts, customer_ids: Sequence[str], now: datetime) -> Iterator[Snapshot | Glimpse]:
    """Profiles of these customers: from the snapshot in use, and for who is not there yet computed now."""
    snapshot, known = latest(parts.artifacts, by=now), set[str]()
    if snapshot is not None:
        known = set(snapshot.table(["customer_id"], customer_ids=customer_ids)["customer_id"].to_pylist())
        if known:
            yield snapshot
    if new := [customer_id for customer_id in customer_ids if customer_id not in known]:
        yield glimpse(parts.events, new, as_of=now, settings=parts.profiles)
