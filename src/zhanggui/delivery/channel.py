"""The one door to the outside world. Knows how to hand messages over; not whether they may be sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from zhanggui.content.message import Message

Outcome = Literal["accepted", "retry", "rejected", "in_doubt"]
"""accepted: the other side took it. retry: it was not taken, and may be tried again later. rejected: never try again.
in_doubt: it was handed over whole, and no answer came: it may have been taken."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the other side said to one message."""

    message_id: str
    outcome: Outcome
    detail: str
    """Its words: an SMTP reply, an HTTP status, the error."""
    bad_address: bool = False
    """The other side says that the address does not exist (RFC 3463: 5.1.x of a recipient): it is suppressed from now on."""
    policy: bool = False
    """The shop itself was refused (its sender, its right to send, its quota), whoever the recipient is: the outcome is
    then "retry", and nobody is suppressed."""
    slow_down_seconds: float | None = None
    """The other side asks for a rest: nothing goes through the whole channel for so long (SMTP 421, HTTP Retry-After)."""


@runtime_checkable
class Channel(Protocol):
    """A way to reach customers.

    A stream, not a list: the channel takes a message only when it can hand it over now, and yields its receipt
    before it takes the next. So the outbox checks consent in the moment before a message leaves and records the
    answer in the moment after, while the channel keeps one connection for them all.
    """

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Hand over `messages`; one receipt each, in order. Never raises for a message."""
        ...
