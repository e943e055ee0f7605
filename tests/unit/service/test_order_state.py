import pytest

from zhanggui.service.order_state import state_named


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("pending", "pending"),
        ("On_Hold", "pending"),
        ("fulfilled", "shipped"),
        ("out for delivery", "shipped"),
        ("Canceled", "cancelled"),
        ("已签收", "delivered"),
        ("待发货", "pending"),
        ("exchange requested", "exchange requested"),
        ("exploded", None),
        ("", None),
    ],
)
def test_states_are_known_by_the_names_that_shops_give_them(text: str, state: str | None) -> None:
    assert state_named(text) == state
