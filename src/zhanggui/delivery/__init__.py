"""Send once: the outbox, channels, unsubscribe tokens. Channels are loaded only when named."""

from zhanggui.delivery.channel import Channel, Outcome, Receipt
from zhanggui.delivery.deliver import Delivered, deliver
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.delivery.pace import Pace
from zhanggui.delivery.worker import Checks

__all__ = ["Channel", "Checks", "Delivered", "DeliverySettings", "Outcome", "Pace", "Receipt", "deliver"]
