"""People, ids, addresses, consents, flows, clocks and two workers, in any order: no touch leaves against a rule.

A machine of hypothesis does what it likes to a shop; `plain_rules` says of each message that leaves whether it may.
"""

import itertools
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from plain_rules import CAPS, NIGHT_UNTIL, SHOP_ZONE, Facts, Planned, Said, same_mailbox
from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.channel import Outcome, Receipt
from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database
from zhanggui.storage.database import metadata
from zhanggui.testing import FixedClock
from zhanggui.touches import Cap, ContactLimits, contacts, flows
from zhanggui.touches.permit import Rules

CUSTOMERS = ("ann", "bea", "cem")
DEVICES = ("phone", "laptop")
MAILBOXES = ("ann@x.example", " ANN@X.example", "bea@bücher.example", "Bea@xn--bcher-kva.example", "cem@x.example")
FLOWS = ("spring", "summer", "autumn", "cart")
STEPS = ("first", "second")
ZONES = (None, "America/New_York", "Asia/Shanghai", "Pacific/Chatham")
HOURS = (0.01, 0.3, 1, 5, 11, 24, 24 * 7)
MORNINGS = (datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 10, 24, 7, tzinfo=UTC))
"""Nine in Berlin, before a night in which its clocks change."""

RULES = Rules(
    limits=ContactLimits(caps=tuple(Cap(messages=most, days=window / timedelta(days=1)) for most, window in CAPS)),
    time_zone=SHOP_ZONE,
)
SETTINGS = DeliverySettings(batch=2)

customers = st.sampled_from(CUSTOMERS)
mailboxes = st.sampled_from(MAILBOXES)
flow_ids = st.sampled_from(FLOWS)
outcomes = st.sampled_from(["accepted", "accepted", "accepted", "retry", "rejected", "in_doubt"])


class Killed(BaseException):
    """The worker's end, in the middle of a message."""


class World:
    """The other side of the channel: takes messages, and tells what happens meanwhile."""

    def __init__(self, machine: "Shop", *, ending: Outcome, killed_at: int, meanwhile: Callable[[], None]) -> None:
        self._machine, self._ending, self._killed_at, self._meanwhile = machine, ending, killed_at, meanwhile
        self._seen = 0

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Take one, let happen what happens, answer."""
        for message in messages:
            self._seen += 1
            self._machine.leaves(message, taken=self._ending in ("accepted", "in_doubt"))
            if self._seen == 1:
                self._meanwhile()
            if self._seen == self._killed_at:
                raise Killed
            yield Receipt(message_id=message.message_id, outcome=self._ending, detail=self._ending)


class Shop(RuleBasedStateMachine):
    """A shop with two workers, and what plain rules know of it."""

    database: Database
    """Set by the test; empty at the beginning of each example."""
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        with self.database.transaction() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name != "event_position":
                    connection.execute(sa.delete(table))
        self.workers = [self._open(), self._open()]
        self.planned: dict[str, Planned] = {}
        self.broken: list[str] = []
        self._numbers = itertools.count()
        self._counting = threading.Lock()

    def _open(self) -> EventLog:
        database = Database(self.database.url.render_as_string(hide_password=False))
        return EventLog(database, self.folder, heard=identity.hear)

    def teardown(self) -> None:
        for worker in self.workers:
            worker.database.close()

    @initialize(start=st.sampled_from(MORNINGS), silent=st.sets(customers, max_size=1), shared=st.booleans())
    def begin(self, start: datetime, silent: set[str], shared: bool) -> None:
        self.facts = Facts(now=start)
        self.clock = FixedClock(start)
        with self.database.transaction() as connection:
            for flow in FLOWS:
                flows.open(connection, flow, kind="run", name=flow, version=1)
        for who, mailbox in zip(CUSTOMERS, MAILBOXES[:2] if shared else MAILBOXES[::2], strict=False):
            self.identify(who, mailbox, None)
        for who in sorted(set(CUSTOMERS) - silent):
            self.say(who, granted=True, naming=None)

    def tick(self, step: timedelta = timedelta(seconds=1)) -> None:
        """No two things happen in one moment: which was first is no question then."""
        self.clock.advance(step)
        self.facts.now = self.clock()

    # What happens.

    @rule(hours=st.sampled_from(HOURS))
    def time_passes(self, hours: float) -> None:
        self.tick(timedelta(hours=hours))

    @rule(old=customers, new=customers)
    def alias(self, old: str, new: str) -> None:
        if old != new:
            self.facts.aliases.append((old, new))
            self._hear(type="alias", user_id=new, previous_id=old)

    @rule(who=customers, mailbox=st.one_of(mailboxes, st.none()), device=st.one_of(st.none(), st.sampled_from(DEVICES)))
    def identify(self, who: str, mailbox: str | None, device: str | None) -> None:
        self.facts.mailboxes.append((who, mailbox))
        if device:
            self.facts.logins.append((device, who))
        self._hear(type="identify", user_id=who, anonymous_id=device, traits={"email": mailbox})

    @rule(
        who=customers,
        mailbox=st.one_of(mailboxes, st.none()),
        other=customers,
        kind=st.sampled_from(["alias", "identify"]),
    )
    def a_public_key_says_so(self, who: str, mailbox: str | None, other: str, kind: str) -> None:
        """The facts do not change: whom the shop knows keeps address, person and consent."""
        known = {customer for customer, _ in self.facts.mailboxes}
        if kind == "identify" and not known.isdisjoint(self.facts.same_person(who)):
            self._hear(type="identify", user_id=who, traits={"email": mailbox}, trust="write")
        elif other in known and other != who:
            self._hear(type="alias", user_id=who, previous_id=other, trust="write")

    @rule(
        who=st.one_of(customers, st.sampled_from(DEVICES)),
        granted=st.booleans(),
        naming=st.one_of(st.none(), mailboxes),
    )
    def say(self, who: str, granted: bool, naming: str | None) -> None:
        at = naming if naming else None if granted else self.facts.mailbox(who)
        self.facts.said.append(Said(who=who, granted=granted, mailbox=same_mailbox(at) if at else ""))
        with self.database.transaction() as connection:
            consent.record(connection, [self._consent(who, granted=granted, naming=naming or "")], now=self.clock())
        self.tick()

    @rule(mailbox=mailboxes, lift=st.booleans())
    def suppress(self, mailbox: str, lift: bool) -> None:
        change = contacts.lift if lift else contacts.suppress
        with self.database.transaction() as connection:
            change(connection, channel="email", address=mailbox, reason="asked", at=self.clock(), by="operator")
        if lift:
            self.facts.suppressed.discard(same_mailbox(mailbox))
        else:
            self.facts.suppressed.add(same_mailbox(mailbox))
        self.tick()

    @rule(flow=flow_ids, change=st.sampled_from(["pause", "resume", "resume", "resume", "cancel"]))
    def stop(self, flow: str, change: str) -> None:
        with self.database.transaction() as connection:
            getattr(flows, change)(connection, flow)
        if change == "resume" and self.facts.stopped.get(flow) == "paused":
            del self.facts.stopped[flow]
        elif change == "pause":
            self.facts.stopped.setdefault(flow, "paused")
        elif change == "cancel":
            self.facts.stopped[flow] = "cancelled"
        self.tick()

    @rule()
    def the_day_begins(self) -> None:
        """Nine o'clock, to the second, where the shop is."""
        local = self.clock().astimezone(ZoneInfo(SHOP_ZONE))
        day = local.date() + timedelta(days=local.hour >= NIGHT_UNTIL)
        self.tick(datetime.combine(day, time(NIGHT_UNTIL), ZoneInfo(SHOP_ZONE)) - self.clock())

    @rule(flow=flow_ids, step=st.sampled_from(STEPS), zone=st.sampled_from(ZONES), worker=st.integers(0, 1))
    def plan_and_deliver(self, flow: str, step: str, zone: str | None, worker: int) -> None:
        for who in CUSTOMERS:
            self.plan(who, flow, step, zone)
        self.deliver_in_peace(worker)

    @rule(who=customers, flow=flow_ids, step=st.sampled_from(STEPS), zone=st.sampled_from(ZONES))
    def plan(self, who: str, flow: str, step: str, zone: str | None) -> None:
        mailbox = self.facts.mailbox(who)
        with self.database.reading() as connection:
            known = identity.addresses(connection, [who], "email").get(who)
        assert (None if known is None else same_mailbox(known)) == mailbox, (
            f"{who} is reached at {mailbox}, not {known}"
        )
        name = f"{flow}-{step}-{who}"
        if mailbox is None or known is None or name in self.planned:
            return
        message = Planned(name, who, known, flow, "entry", step, zone, self.clock() + timedelta(days=2))
        self.planned[name] = message
        with self.database.transaction() as connection:
            outbox.enqueue(connection, [_message(message)], now=self.clock())
        self.tick()

    @rule(worker=st.integers(0, 1))
    def restart(self, worker: int) -> None:
        self.workers[worker].database.close()
        self.workers[worker] = self._open()

    # Work.

    @rule(worker=st.integers(0, 1))
    def deliver_in_peace(self, worker: int) -> None:
        waiting = self._due()
        free = [
            message for message in waiting if not self.facts.against(message) and self.facts.alone(message, waiting)
        ]
        self._work(worker)
        kept = [message for message in free if message not in [taken for taken, _ in self.facts.taken]]
        if kept:
            self.broken.append(f"kept back though nothing forbids it: {kept}")

    @rule(worker=st.integers(0, 1), ending=outcomes, killed_at=st.integers(0, 3), data=st.data())
    def deliver_and_meanwhile(self, worker: int, ending: Outcome, killed_at: int, data: st.DataObject) -> None:
        for recipient in CUSTOMERS:
            self.plan(recipient, data.draw(flow_ids), STEPS[0], None)
        other = data.draw(st.sampled_from(["nothing", "work", "withdraw", "alias", "pause", "suppress", "move"]))
        who = data.draw(customers)
        meanwhile: dict[str, Callable[[], None]] = {
            "nothing": lambda: None,
            "work": lambda: self._work(1 - worker),
            "withdraw": lambda: self.say(who, granted=False, naming=None),
            "alias": lambda: self.alias(who, CUSTOMERS[0]),
            "pause": lambda: self.stop(FLOWS[0], "pause"),
            "suppress": lambda: self.suppress(MAILBOXES[0], lift=False),
            "move": lambda: self.identify(who, MAILBOXES[-1], None),
        }
        self._work(worker, ending=ending, killed_at=killed_at, meanwhile=meanwhile[other])

    @rule(flow=flow_ids, step=st.sampled_from(STEPS))
    def both_deliver_at_once(self, flow: str, step: str) -> None:
        for who in CUSTOMERS:
            self.plan(who, flow, step, None)
        failed: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                self._work(worker)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        self.tick()

    @invariant()
    def no_touch_has_left_against_a_rule(self) -> None:
        assert self.broken == []

    def leaves(self, message: Message, *, taken: bool) -> None:
        """A message has left: was it allowed to?"""
        with self._counting:
            planned = self.planned[message.message_id]
            broken = self.facts.against(planned)
            if same_mailbox(message.address) != same_mailbox(planned.mailbox):
                broken.append("to another mailbox")
            if broken:
                self.broken.append(f"{planned} has left at {self.facts.now}: {broken}")
            self.facts.handed.append((planned, self.facts.now))
            if taken:
                self.facts.taken.append((planned, self.facts.now))

    def _work(
        self,
        worker: int,
        *,
        ending: Outcome = "accepted",
        killed_at: int = 0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        world = World(self, ending=ending, killed_at=killed_at, meanwhile=meanwhile)
        log = self.workers[worker]
        with suppress(Killed):
            deliver(
                log.database, {"email": world}, RULES, log, clock=self.clock, settings=SETTINGS, rng=random.Random(7)
            )

    def _due(self) -> list[Planned]:
        query = sa.select(outbox.outbox.c.message_id).where(
            outbox.outbox.c.state == "waiting", outbox.outbox.c.due_at <= self.clock()
        )
        with self.database.reading() as connection:
            return [self.planned[name] for name in connection.scalars(query)]

    def _hear(self, **fields: Any) -> None:
        now = self.clock()
        event = Event(message_id=f"event-{next(self._numbers)}", timestamp=now, received_at=now, **fields)
        log = self.workers[0]
        with log.database.transaction() as connection:
            log.append(connection, [event], now=now)
        self.tick()

    def _consent(self, who: str, *, granted: bool, naming: str) -> Consent:
        return Consent(
            customer_id=who,
            channel="email",
            purpose="marketing",
            granted=granted,
            at=self.clock(),
            how="form",
            text="Write to me.",
            address=naming,
        )


def _message(planned: Planned) -> Message:
    return Message(
        message_id=planned.message_id,
        run_id=planned.flow,
        customer_id=planned.who,
        channel="email",
        address=planned.mailbox,
        language="en",
        subject="Tea",
        body="Tea.",
        entry=planned.entry,
        step=planned.step,
        expires_at=planned.expires_at,
        data={"time_zone": planned.zone},
    )


def test_no_touch_leaves_against_a_rule(database: Database, tmp_path: Path) -> None:
    machine = type("AnyShop", (Shop,), {"database": database, "folder": tmp_path / "events"})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
