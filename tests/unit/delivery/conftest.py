"""A small outbox: messages, consents, and a delivery whose parts a test may replace."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.channel import Channel
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.profiles import consent
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database
from zhanggui.testing import FixedClock
from zhanggui.touches import ContactLimits
from zhanggui.touches.permit import Rules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Post:
    """An outbox with its shop: puts messages in, sends them, says how they stand."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.clock = database, FixedClock(NOON)
        self.events = EventLog(database, folder, EventSettings())
        self.limits = ContactLimits(caps=(), quiet_from=time(0), quiet_until=time(0))
        self.settings = DeliverySettings()

    def put(self, *customer_ids: str, agree: bool = True, **given: Any) -> list[Message]:
        """Enqueue a message for each, who agrees to marketing."""
        shared: dict[str, Any] = {"run_id": "run", "channel": "email", "language": "en", "subject": "s", "body": "b"}
        shared |= given
        messages = [
            Message(
                **{
                    "message_id": f"{shared['run_id']}-{who}-{shared['channel']}",
                    "customer_id": who,
                    "address": f"{who}@x.example",
                    **shared,
                }
            )
            for who in customer_ids
        ]
        said = [
            Consent(
                customer_id=who, channel=shared["channel"], purpose="marketing", granted=agree,
                at=self.clock() - timedelta(days=1), how="form", text="yes",
            )
            for who in customer_ids
        ]  # fmt: skip
        with self.database.transaction() as connection:
            consent.record(connection, said, now=self.clock())
            outbox.enqueue(connection, messages, now=self.clock())
        return messages

    def send(self, channels: Channel | Mapping[str, Channel], **given: Any) -> dict[str, int]:
        """Deliver what is due; the outcomes."""
        named = channels if isinstance(channels, Mapping) else {"email": channels}
        shared: dict[str, Any] = {"clock": self.clock, "settings": self.settings} | given
        rules = Rules(limits=self.limits, time_zone="UTC")
        return dict(deliver(self.database, named, rules, self.events, **shared).outcomes)

    def rows(self) -> list[Any]:
        """The rows of the outbox by message id."""
        with self.database.reading() as connection:
            return list(connection.execute(outbox.outbox.select().order_by(outbox.outbox.c.message_id)))

    def states(self) -> dict[str, str]:
        """State by customer."""
        return {row.customer_id: row.state for row in self.rows()}

    def delivered(self) -> Sequence[str]:
        """Whom the event log says that messages were delivered to."""
        with self.events.read() as log:
            found = log.filter(log["name"] == "Message Delivered").select("user_id").to_pyarrow()
        return sorted(found["user_id"].to_pylist())


@pytest.fixture
def post(database: Database, tmp_path: Path) -> Post:
    return Post(database, tmp_path / "events")


@pytest.fixture
def noon() -> datetime:
    return NOON
