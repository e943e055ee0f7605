"""A message whose acceptance is not known: it goes again, and counts as a contact until it is surely refused."""

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.storage import Database
from zhanggui.testing import FixedClock, MemoryChannel
from zhanggui.touches import contacts
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.permit import Rules

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_message_in_doubt_is_counted_as_such_and_stays_a_contact(database: Database, tmp_path: Path) -> None:
    clock = FixedClock(START)
    message = Message(
        message_id="m1",
        run_id="run-1",
        customer_id="c1",
        channel="email",
        address="buyer@example.com",
        purpose="service",
        language="en",
        subject="Tea",
        body="Tea.",
    )
    with database.transaction() as connection:
        outbox.enqueue(connection, [message], now=START)
    channel = MemoryChannel(lambda _message: "in_doubt")
    rules = Rules(limits=ContactLimits(), time_zone="UTC")
    events = EventLog(database, tmp_path / "events", EventSettings())
    deliver(database, {"email": channel}, rules, events, clock=clock, settings=DeliverySettings(), run_id="run-1")
    with database.reading() as connection:
        assert outbox.counts(connection, "run-1").in_doubt == 1
        assert connection.scalars(sa.select(contacts.contacts.c.customer_id)).all() == ["c1"]
        assert connection.scalar(sa.select(outbox.outbox.c.state)) == "waiting"
