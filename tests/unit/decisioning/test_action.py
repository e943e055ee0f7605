"""What an action is called: the same thing, the same name, whatever its moment."""

from datetime import UTC, datetime

from zhanggui.decisioning.action import NO_ACTION, Action

TEA = {"offer_id": "o", "product_id": "p", "category": "Tea", "channel": "email"}


def test_an_action_is_named_by_offer_product_category_and_channel() -> None:
    named = {Action(**(TEA | {field: other})).action_id for field in TEA for other in ("x", None)}  # type: ignore[arg-type]
    assert len({*named, Action(**TEA).action_id, NO_ACTION.action_id}) == 10  # type: ignore[arg-type]
    assert NO_ACTION.action_id == "nothing"


def test_what_was_learned_of_an_action_carries_over_to_another_moment() -> None:
    later = Action(**TEA, send_at=datetime(2026, 3, 2, tzinfo=UTC))  # type: ignore[arg-type]
    assert later.action_id == Action(**TEA).action_id == "7ee1389aa9c1e22b"  # type: ignore[arg-type]
