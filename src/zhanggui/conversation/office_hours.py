"""When people of the shop answer. Pure; knows no person and no conversation."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from zhanggui.catalog.product import Language
from zhanggui.conversation.settings import ConversationSettings, Day

_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def is_open(settings: ConversationSettings, now: datetime, zone: str) -> bool:
    """Whether a person answers now."""
    local = now.astimezone(ZoneInfo(zone))
    opens, closes = time.fromisoformat(settings.office_from), time.fromisoformat(settings.office_until)
    return _DAYS[local.weekday()] in settings.office_days and opens <= local.time() < closes


def next_opening(settings: ConversationSettings, now: datetime, zone: str) -> datetime | None:
    """When a person answers next, in the shop's time zone; None where nobody ever does."""
    local = now.astimezone(ZoneInfo(zone))
    opens = time.fromisoformat(settings.office_from)
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        moment = datetime.combine(day, opens, tzinfo=ZoneInfo(zone))
        if _DAYS[day.weekday()] in settings.office_days and moment > local:
            return moment
    return None


def when(settings: ConversationSettings, now: datetime, zone: str, language: Language) -> str:
    """In words, by when a person answers; "" where nobody ever does."""
    if is_open(settings, now, zone):
        minutes = settings.answer_minutes
        return f"大约{minutes}分钟内" if language == "zh" else f"within about {minutes} minutes"
    opening = next_opening(settings, now, zone)
    if opening is None:
        return ""
    day = _NAMES[language][opening.weekday()]
    return f"{day}{opening:%H:%M}之后" if language == "zh" else f"after {opening:%H:%M} on {day}"


def hours(settings: ConversationSettings, language: Language) -> str:
    """The office hours in words."""
    open_days = [number for number, day in enumerate(_DAYS) if day in settings.office_days]
    names = [_NAMES[language][number] for number in open_days]
    row = len(names) > 2 and open_days == list(range(open_days[0], open_days[-1] + 1))
    if language == "zh":
        days = f"{names[0]}至{names[-1]}" if row else "、".join(names)
        return f"{days}{settings.office_from}–{settings.office_until}" if names else ""
    days = f"{names[0]} to {names[-1]}" if row else ", ".join(names)
    return f"{days}, {settings.office_from}–{settings.office_until}" if names else ""
