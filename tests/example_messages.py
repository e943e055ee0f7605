"""A message to be sent, with what a test wants otherwise."""

from dataclasses import replace
from typing import Any

from zhanggui.content.message import Message

_EXAMPLE = Message(
    message_id="m1",
    run_id="run-1",
    decision_id="d1",
    customer_id="c1",
    channel="email",
    address="buyer@example.com",
    language="en",
    subject="New tea",
    body="Spring tea is here.\n\n--\nUnsubscribe: https://shop.example/u/abc",
    data={"unsubscribe_url": "https://shop.example/u/abc"},
)


def message(**fields: Any) -> Message:
    """The example, with these fields."""
    return replace(_EXAMPLE, **fields)
