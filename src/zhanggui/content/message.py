"""What to say to one customer on one channel: final words with their proof. Sends nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from zhanggui.catalog.product import Language
from zhanggui.touches.touch import RUN_ENTRY, RUN_STEP, Purpose, Touch


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, ready to send. `message_id` is deterministic in (run, customer, channel), so that a repeated
    send carries the same one (RFC 5322 Message-ID) and a receiver can drop it."""

    message_id: str
    run_id: str
    customer_id: str
    channel: str
    address: str
    """Where it goes: an e-mail address, a phone number, a URL."""
    language: Language
    subject: str
    body: str
    """Plain text."""
    purpose: Purpose = "marketing"
    entry: str = RUN_ENTRY
    """Of the touch; its flow is `run_id`."""
    step: str = RUN_STEP
    """Of the touch."""
    decision_id: str | None = None
    send_at: datetime | None = None
    """Not before this moment (UTC); None for at once."""
    expires_at: datetime | None = None
    """Not after this moment (UTC)."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What a webhook carries beside the words: offer id, product id, coupon."""
    proof: Mapping[str, Any] = field(default_factory=dict)
    """The proof record: facts used, evidence a claim, consent basis, checks with rule and version, model and prompt
    hash, propensity, AI label."""

    @property
    def touch(self) -> Touch:
        """The touch that it makes."""
        return Touch(
            customer_id=self.customer_id, flow=self.run_id, entry=self.entry, step=self.step, purpose=self.purpose
        )


def to_data(message: Message) -> dict[str, Any]:
    """A message as JSON-able data, its moments in ISO 8601."""
    return asdict(message) | {
        name: getattr(message, name) and getattr(message, name).isoformat() for name in ("send_at", "expires_at")
    }
