"""Finds days in a text and says which they are, seen from today. Knows no clock: today is given."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from zhanggui.conversation.understanding import Slot

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])}
_WEEKDAYS = {sign: number for number, sign in enumerate("一二三四五六日")} | {"天": 6}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_RELATIVE = {
    "today": 0, "tonight": 0, "this morning": 0, "this evening": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "yesterday": -1, "the day after tomorrow": 2,
    "今天早上": 0, "今天": 0, "今晚": 0, "明天": 1, "明早": 1, "后天": 2, "大后天": 3, "昨天": -1, "昨晚": -1, "前天": -2, "刚刚": 0,
    "an hour ago": 0,
}  # fmt: skip
_CALENDAR = re.compile(
    r"(?a)(?P<iso>\b20\d\d-\d{1,2}-\d{1,2}\b)"
    r"|(?P<zh>(?:(20\d\d)年)?(\d{1,2})月(\d{1,2})(?:号|日)?)"
    rf"|(?P<md>\b{_MONTH}\.? (\d{{1,2}})(?:st|nd|rd|th)?\b)"
    rf"|(?P<dm>\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}\b)"
)
_WEEKDAY = re.compile(
    r"(?a)(?P<en>\b(?:(last|next|this|since|coming|on|ordered) )?(mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?\b)"
    r"|(?P<zh>(上上?|下下?|这|本)?个?(?:周|星期|礼拜)([一二三四五六日天]))"
)
_SPOKEN = re.compile(
    r"(?a)\b(?:last|next|this) (?:week(?:end)?|month)\b|\b(?:a|one|two|three|\d{1,2}) (?:days?|weeks?|months?) ago\b"
    r"|(?:上|下|这)个?(?:周末|礼拜|星期|周|月)(?![一二三四五六日天])|[一二两三四五\d]{1,2}(?:天|周|个月)前"
)
_NEAR = re.compile("|".join(map(re.escape, sorted(_RELATIVE, key=len, reverse=True))))


def dates(text: str, *, today: date) -> list[Slot]:
    """The days of a folded text. A weekday is the next one, unless the text says that it is past."""
    return [*_calendar(text, today), *_weekdays(text, today), *_near(text, today), *_spoken(text)]


def _calendar(text: str, today: date) -> Iterator[Slot]:
    for match in _CALENDAR.finditer(text):
        groups = [group for group in match.groups()[1:] if group and group != match[0]]
        year, month, day = today.year, 0, 0
        if match["iso"]:
            year, month, day = map(int, match[0].split("-"))
        elif match["zh"]:
            year, month, day = ([year] if len(groups) == 2 else []) + [int(group) for group in groups]
        elif match["md"]:
            month, day = _MONTHS[groups[0]], int(groups[1])
        else:
            month, day = _MONTHS[groups[1]], int(groups[0])
        try:
            yield _slot(date(year, month, day).isoformat(), match.start(), match.end())
        except ValueError:  # the 31st of February
            continue


def _weekdays(text: str, today: date) -> Iterator[Slot]:
    for match in _WEEKDAY.finditer(text):
        which = match[2] or match[5] or ""
        weekday = _DAYS[match[3][:3]] if match["en"] else _WEEKDAYS[match[6]]
        bare = match["en"] and "day" not in match[0] and which not in ("last", "next", "this", "on", "since")
        if bare and match[3] in _DAYS:
            continue  # "sun" alone is no Sunday
        start = match.start() if which in ("last", "next", "this", "coming") or match["zh"] else match.start(3)
        monday = today - timedelta(today.weekday())
        if match["zh"] and which:
            weeks = {"上": -1, "上上": -2, "下": 1, "下下": 2}.get(which, 0)
            day = monday + timedelta(7 * weeks + weekday)
        else:
            past = which in ("last", "since", "ordered")
            ahead = (weekday - today.weekday()) % 7
            day = today + timedelta(ahead - 7 if past else ahead)
        yield _slot(day.isoformat(), start, match.end())


def _near(text: str, today: date) -> Iterator[Slot]:
    for match in _NEAR.finditer(text):
        if match[0].isascii() and text[match.start() - 1 : match.start()].isalpha():
            continue
        yield _slot((today + timedelta(_RELATIVE[match[0]])).isoformat(), match.start(), match.end())


def _spoken(text: str) -> Iterator[Slot]:
    for match in _SPOKEN.finditer(text):
        yield _slot(match[0], match.start(), match.end())


def _slot(value: str, start: int, end: int) -> Slot:
    return Slot(name="date", value=value, start=start, end=end)
