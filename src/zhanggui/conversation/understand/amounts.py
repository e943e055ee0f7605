"""Finds numbers in a text: digits, English number words, Chinese numerals (一百五 is 150). Does not know what they count."""

import re
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = re.compile(r"(?a)(?<![\d.])(?<!\d,)(\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(\.\d{1,2})?(?!\d)(k\b|[百千万])?")
_CHINESE = re.compile("[零〇一二两三四五六七八九十百千万]{1,12}")
_NUMERALS = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"k": 1000, "百": 100, "千": 1000, "万": 10_000}
_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: 10 * number
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_ONE = "|".join(sorted(_WORDS, key=len, reverse=True))
_ENGLISH = re.compile(
    rf"(?a)\b(?:(?:{_ONE}|a)(?: (?:hundred|thousand))|{_ONE})(?:(?: and|-| ) ?(?:{_ONE}|hundred|thousand)){{0,4}}\b"
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A number and where it stands."""

    number: Decimal
    start: int
    end: int

    @property
    def text(self) -> str:
        """Its canonical text: "300", "18.99"."""
        whole = self.number.to_integral_value()
        return str(whole if whole == self.number else self.number)


def amounts(text: str) -> list[Amount]:
    """The numbers of a folded text, in its order; none overlaps another."""
    spans = [Amount(number=_of_digits(match), start=match.start(), end=match.end()) for match in _DIGITS.finditer(text)]
    taken = {place for one in spans for place in range(one.start, one.end)}
    for match in _CHINESE.finditer(text):
        number = of_chinese(match[0])
        if number is not None and not taken & {match.start(), match.end() - 1}:
            spans.append(Amount(number=Decimal(number), start=match.start(), end=match.end()))
    spans += [
        Amount(number=Decimal(_of_english(match[0])), start=match.start(), end=match.end())
        for match in _ENGLISH.finditer(text)
    ]
    return sorted(spans, key=lambda one: one.start)


def of_chinese(text: str) -> int | None:
    """The number that Chinese numerals name; None where they name none ("千万" alone, "一一")."""
    if text == "十":
        return 10
    total = section = 0
    digit: int | None = None
    last_unit = 1
    for sign in text:
        if sign in _NUMERALS:
            if digit not in (None, 0):
                return None
            digit = _NUMERALS[sign]
            last_unit = 1 if sign in "零〇" else last_unit
        elif sign in _UNITS:
            if digit is None and sign != "十":
                return None
            section += (1 if digit is None else digit) * _UNITS[sign]
            digit, last_unit = None, _UNITS[sign]
        else:
            section += digit or 0
            if not section:
                return None
            total, section, digit, last_unit = total + section * 10_000, 0, None, 10_000
    # 一百五 is 150, 两千三 is 2,300, 一万二 is 12,000; but 一百零五 is 105.
    return total + section + (digit or 0) * (last_unit // 10 if last_unit >= 100 else 1)


def _of_digits(match: re.Match[str]) -> Decimal:
    return Decimal(match[1].replace(",", "") + (match[2] or "")) * _SCALES.get(match[3] or "", 1)


def _of_english(text: str) -> int:
    total = part = 0
    for word in text.replace("-", " ").split():
        if word == "hundred":
            part = max(part, 1) * 100
        elif word == "thousand":
            total, part = total + max(part, 1) * 1000, 0
        elif word == "a":
            part = 1
        elif word in _WORDS:
            part += _WORDS[word]
    return total + part
