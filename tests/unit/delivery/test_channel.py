"""Receipts: what a channel that says only the outcome has said."""

from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.testing import MemoryChannel


def test_a_receipt_blames_nobody_and_asks_for_no_rest_unless_it_says_so() -> None:
    receipt = Receipt(message_id="m1", outcome="retry", detail="later")
    assert (receipt.bad_address, receipt.policy, receipt.slow_down_seconds) == (False, False, None)


def test_whatever_can_send_is_a_channel() -> None:
    assert isinstance(MemoryChannel(), Channel)
    assert not isinstance(object(), Channel)
