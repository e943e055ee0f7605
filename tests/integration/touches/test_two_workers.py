"""Two workers at one outbox, both databases: whoever may get one message gets one."""

import random
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import sqlalchemy as sa

from zhanggui.content.compose import message_id
from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.channel import Receipt
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.profiles import consent
from zhanggui.profiles.consent import Consent
from zhanggui.profiles.identity_tables import persons
from zhanggui.storage import Database
from zhanggui.touches import Cap, ContactLimits, permit
from zhanggui.touches.permit import Approach, PersonMovedError, Rules
from zhanggui.touches.touch import Touch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CUSTOMERS = 2_000


class Slow:
    """Takes a moment for each message, so that workers meet."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self._chance, self._lock = random.Random(1), threading.Lock()

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        for message in messages:
            with self._lock:
                self.taken[message.address] += 1
            yield Receipt(message_id=message.message_id, outcome="accepted", detail="250")


def planned(run_id: str, customer_id: str, address: str) -> Message:
    return Message(
        message_id=message_id(run_id, customer_id, "email"),
        run_id=run_id,
        customer_id=customer_id,
        channel="email",
        address=address,
        language="en",
        subject="Tea",
        body="Tea.",
    )


def agree(database: Database, customer_ids: list[str]) -> None:
    said = [
        Consent(customer_id=who, channel="email", purpose="marketing", granted=True, at=NOW, how="form", text="yes")
        for who in customer_ids
    ]
    with database.transaction() as connection:
        consent.record(connection, said, now=NOW)


def work(database: Database, folder: Path, channel: Slow, run_ids: list[str]) -> None:
    """Deliver each of these runs in a thread of its own; the threads have nothing in common but the database."""
    rules = Rules(
        limits=ContactLimits(caps=(Cap(messages=1, days=7),), quiet_from=time(0), quiet_until=time(0)), time_zone="UTC"
    )
    errors: list[BaseException] = []

    def worker(run_id: str) -> None:
        own = Database(database.url.render_as_string(hide_password=False))
        try:
            settings = DeliverySettings(batch=20)
            deliver(
                own,
                {"email": channel},
                rules,
                EventLog(own, folder, EventSettings()),
                clock=lambda: NOW,
                settings=settings,
                run_id=run_id,
            )
        except BaseException as error:
            errors.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=worker, args=(run_id,)) for run_id in run_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_of_two_campaigns_under_a_cap_of_one_each_of_2000_customers_gets_one_message(
    database: Database, tmp_path: Path
) -> None:
    ids = [f"c{number}" for number in range(CUSTOMERS)]
    agree(database, ids)
    with database.transaction() as connection:
        for run in ("tea", "cups"):
            outbox.enqueue(connection, [planned(run, who, f"{who}@x.example") for who in ids], now=NOW)
    channel = Slow()
    work(database, tmp_path / "events", channel, ["tea", "cups"])
    assert Counter(channel.taken.values()) == {1: CUSTOMERS}
    with database.reading() as connection:
        counts = [outbox.counts(connection, run) for run in ("tea", "cups")]
    assert sum(one.states.get("sent", 0) for one in counts) == CUSTOMERS
    assert sum(one.refused.get("cap:all:1/7d", 0) for one in counts) == CUSTOMERS


def test_three_customers_at_one_mailbox_get_one_message_of_a_campaign(database: Database, tmp_path: Path) -> None:
    ids = [f"c{number}" for number in range(60)]
    agree(database, ids)
    with database.transaction() as connection:
        mailboxes = ["Home@x.example", "home@X.example", " home@x.example"]
        rows = [
            planned("tea", customer_id, mailboxes[number % 3].replace("ome", f"ome{number // 3}"))
            for number, customer_id in enumerate(ids)
        ]
        outbox.enqueue(connection, rows, now=NOW)
    channel = Slow()
    work(database, tmp_path / "events", channel, ["tea"] * 3)
    assert channel.taken.total() == 20
    with database.reading() as connection:
        assert outbox.counts(connection, "tea").refused == {"same_address": 40}


def test_who_was_joined_to_another_person_while_the_locks_were_waited_for_is_asked_again(database: Database) -> None:
    approach = Approach(touch=Touch(customer_id="ann", flow="tea"), channel="email", address="ann@x.example")
    seen: list[list[str] | None] = []

    def second() -> None:
        for _ in range(2):
            try:
                with database.transaction() as connection:
                    seen.extend(permit.hold(connection, [approach]))
                    return
            except PersonMovedError:
                seen.append(None)

    thread = threading.Thread(target=second)
    with database.transaction() as connection:
        permit.hold(connection, [approach])
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits"
        connection.execute(sa.insert(persons).values(customer_id="old", person_id="ann"))
    thread.join()
    assert seen == ([["ann", "old"]] if database.is_sqlite else [None, ["ann", "old"]])


def test_whoever_saw_two_persons_waits_for_whoever_sees_one(database: Database) -> None:
    """Joining ids takes no lock: who permits `ann` before, and `ann` with `old` after, has one lock in common."""
    before = Approach(touch=Touch(customer_id="ann", flow="tea"), channel="email", address="ann@x.example")
    after = Approach(touch=Touch(customer_id="old", flow="tea"), channel="email", address="old@x.example")
    done = threading.Event()

    def second() -> None:
        with database.transaction() as connection:
            permit.hold(connection, [after])
            done.set()

    thread = threading.Thread(target=second)
    if database.is_sqlite:  # where a writer waits for every other anyway
        with database.transaction() as connection:
            connection.execute(sa.insert(persons).values(customer_id="old", person_id="ann"))
    with database.transaction() as connection:
        permit.hold(connection, [before])
        if not database.is_sqlite:
            with database.transaction() as other:
                other.execute(sa.insert(persons).values(customer_id="old", person_id="ann"))
        thread.start()
        assert not done.wait(0.5)
    thread.join()
    assert done.is_set()
