"""When a person answers, in the shop's own time."""

from datetime import UTC, datetime

import pytest

from zhanggui.conversation import office_hours
from zhanggui.conversation.settings import ConversationSettings

WEEK = ConversationSettings()
ZONE = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("moment", "open_", "when"),
    [
        (datetime(2026, 12, 1, 1, 0, tzinfo=UTC), True, "within about 10 minutes"),
        (datetime(2026, 12, 1, 0, 59, tzinfo=UTC), False, "after 09:00 on Tuesday"),
        (datetime(2026, 12, 4, 10, 0, tzinfo=UTC), False, "after 09:00 on Monday"),
        (datetime(2026, 12, 5, 4, 0, tzinfo=UTC), False, "after 09:00 on Monday"),
    ],
)
def test_a_person_answers_within_the_hours_or_when_they_begin(moment: datetime, open_: bool, when: str) -> None:
    assert office_hours.is_open(WEEK, moment, ZONE) is open_
    assert office_hours.when(WEEK, moment, ZONE, "en") == when


def test_the_hours_are_said_in_both_languages() -> None:
    assert office_hours.hours(WEEK, "zh") == "周一至周五09:00–18:00"
    assert office_hours.hours(WEEK, "en") == "Monday to Friday, 09:00–18:00"
    weekend = ConversationSettings(office_days=("sat", "mon"))
    assert office_hours.hours(weekend, "en") == "Monday, Saturday, 09:00–18:00"


def test_a_shop_where_nobody_answers_promises_nothing() -> None:
    nobody = ConversationSettings(office_days=())
    assert office_hours.when(nobody, datetime(2026, 12, 1, tzinfo=UTC), ZONE, "zh") == ""
    assert office_hours.hours(nobody, "zh") == ""
