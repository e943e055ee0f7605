"""Works an outbox off through a real SMTP server, until it is done or killed. Arguments: database URL, port."""

import sys
from datetime import UTC, datetime

from zhanggui.campaigns.gate import ConsentGate
from zhanggui.delivery import DeliverySettings, deliver
from zhanggui.delivery.email import EmailChannel
from zhanggui.storage import Database
from zhanggui.touches.contact_limits import ContactLimits

if __name__ == "__main__":
    channel = EmailChannel(host="127.0.0.1", port=int(sys.argv[2]), security="none", sender="news@shop.example.com")
    limits = ContactLimits(caps=(), quiet_channels=())
    deliver(
        Database(sys.argv[1]),
        {"email": channel},
        ConsentGate(limits=limits, time_zone="UTC"),
        clock=lambda: datetime.now(UTC),
        settings=DeliverySettings(batch=50, lease_seconds=0.5),
    )
