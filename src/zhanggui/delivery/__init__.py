"""Send once: the outbox, channels, unsubscribe tokens. Channels are loaded only when named."""

from zhanggui.delivery.channel import Channel, Outcome, Receipt
from zhanggui.delivery.deliver import Delivered, Gate, Refusal, deliver
from zhanggui.delivery.outbox import DeliverySettings

__all__ = ["Channel", "Delivered", "DeliverySettings", "Gate", "Outcome", "Receipt", "Refusal", "deliver"]
