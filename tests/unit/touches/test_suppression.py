"""What an operator may say of an address."""

import pytest

from zhanggui.errors import InputError
from zhanggui.touches.suppression import checked


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * 201, "she\x00complained", "\x1b[31mshe complained", "half \ud800 a sign"]
)
def test_a_reason_that_no_record_can_keep_is_refused(reason: str) -> None:
    with pytest.raises(InputError, match="reason: "):
        checked("ann@example.com", reason, channel="email")


def test_a_reason_is_kept_as_it_was_given() -> None:
    assert checked(" ann@example.com ", " 顾客投诉 ", channel="email") == ("ann@example.com", "顾客投诉")
