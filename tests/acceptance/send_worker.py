"""Works an outbox off through a real SMTP server, until it is done or killed. Arguments: database URL, port, folder."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from zhanggui.delivery import DeliverySettings, deliver
from zhanggui.delivery.email import EmailChannel
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.storage import Database
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.permit import Rules

if __name__ == "__main__":
    channel = EmailChannel(host="127.0.0.1", port=int(sys.argv[2]), security="none", sender="news@shop.example.com")
    database = Database(sys.argv[1])
    deliver(
        database,
        {"email": channel},
        Rules(limits=ContactLimits(caps=(), quiet_channels=()), time_zone="UTC"),
        EventLog(database, Path(sys.argv[3]), EventSettings()),
        clock=lambda: datetime.now(UTC),
        settings=DeliverySettings(batch=50, lease_seconds=0.5, in_doubt_minutes=0.01),
    )
