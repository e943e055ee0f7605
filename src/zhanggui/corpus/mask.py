"""Masks personal data: e-mail, telephone, identity, card and account numbers, number plates, postal addresses.

Telephone numbers are found by Google's libphonenumber, the rest by rules for China, the United States and Britain. Names
of people are not masked, and neither is what no rule knows. Pure functions.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from zhanggui.errors import CorpusError

_REGIONS = ("CN", "US", "GB")
_MAYBE_PHONE = re.compile(r"\d(?:[\s().+-]{0,3}\d){6}")
# A number with one of these before it names a thing, not a person.
_THING = re.compile(
    r"(?:单号|编号|型号|货号|批号|条形?码|序列号|order|tracking|isbn|barcode|model|serial|sku|part)\W{0,2}(?:number|no\.?|id)?\W{0,2}[A-Za-z]{0,4}$",
    re.IGNORECASE,
)
_CITY = r"[^\W\da-zA-Z_在到是放寄回址给往送了我的你您他她把从住]"
_ROAD = r"[^\W\da-zA-Z_在到是址给往了我的你您他她把从住]"
# A district ends at the first of its words, so that there is one way to read a run of them, not one for each cut.
_DISTRICT = rf"{_CITY}(?:(?![区县市旗镇乡]){_CITY}){{0,4}}[区县市旗镇乡]"
_TAIL = r"(?:[\u4e00-\u9fff\d-]{0,10}(?:号楼|室|楼|栋|幢|单元|座|层))?"
_STREET = r"(?:路|街|大道|道|巷|弄|胡同|里|村|小区|新村|花园)(?:[东南西北中一二三四五六七八九十]{1,2}段)?"
_WAY = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Terrace|Ter|Court|Ct|Square|Sq|Highway|Hwy"
    "|Parkway|Pkwy|Crescent|Place|Pl|Way|Grove"
)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    twice = [sum(divmod(2 * int(one), 10)) for one in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(twice)) % 10 == 0


def _is_card(match: re.Match[str]) -> bool:
    return bool(match["said"]) or (
        _luhn(re.sub(r"\D", "", match["it"])) and not _named_thing(match.string, match.start("it"))
    )


def _named_thing(text: str, place: int) -> bool:
    return _THING.search(text[max(0, place - 24) : place]) is not None


def _always(_match: re.Match[str]) -> bool:
    return True


# What is masked is the group `it`; what stands before it stays.
_RULES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    ("EMAIL", re.compile(r"(?P<it>[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)"), _always),
    ("ACCOUNT", re.compile(
        r"(?:[微薇V]信|QQ|\bVX|wechat|whatsapp|telegram)(?:群?号|群|\s?id)?[\s:：是]{0,3}"
        r"(?P<it>[@+]?(?=[A-Za-z0-9-]{0,19}[\d_])[A-Za-z0-9_-]{5,20})(?![A-Za-z0-9_])", re.IGNORECASE), _always),
    # GB 11643-1999: region, date of birth, order, check digit
    ("ID", re.compile(r"(?<![\dA-Za-z])(?P<it>[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])(?![\dA-Za-z])"), _always),
    ("ID", re.compile(r"(?:护照|passport)(?:号码?|\s(?:no\.?|number))?[\s:：是]{0,3}(?P<it>[A-Z]{1,2}\d{7,8}|\d{9})(?![\dA-Za-z])", re.IGNORECASE), _always),
    ("ID", re.compile(r"(?<![\d-])(?P<it>(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\d-])"), _always),
    ("CARD", re.compile(
        r"(?P<said>卡号?|\bcard(?:\s(?:number|no\.?))?)?[\s:：是]{0,3}"
        r"(?<![\dA-Za-z-])(?P<it>[3-6](?:[ -]?\d){14,18})(?![\dA-Za-z-])", re.IGNORECASE), _is_card),
    ("PLATE", re.compile(r"(?P<it>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•\s]?(?=[A-Z]{0,5}\d)[A-HJ-NP-Z0-9]{5,6})(?![A-Za-z0-9])"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>(?:{_CITY}{{2,5}}(?:省|自治区))?(?:{_CITY}{{2,4}}[市州盟])?(?:{_DISTRICT}){{1,4}}"
        rf"{_ROAD}{{1,10}}?{_STREET}\d{{1,5}}(?![\d分公里米站个家元年月路])(?:号院|号|弄|院)?{_TAIL})"), _always),
    ("ADDRESS", re.compile(rf"(?P<it>(?:{_CITY}{{2,4}}市)?{_ROAD}{{1,8}}?{_STREET}\d{{1,5}}(?:号院|号|弄)(?!线){_TAIL})"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>\b\d{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][a-z]+|\d{{1,3}}(?:st|nd|rd|th)) (?:[A-Z][a-z]+ ){{0,2}}(?:{_WAY})\b\.?"
        r"(?: (?:NW|NE|SW|SE|N|S|E|W)\b)?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#)\.? ?\w{1,5})?"
        r"(?:, [A-Z][A-Za-z. ]{2,30},? [A-Z]{2} \d{5}(?:-\d{4})?)?)"), _always),
    ("ADDRESS", re.compile(r"(?P<it>\bP\.? ?O\.? Box \d{1,6})", re.IGNORECASE), _always),
)  # fmt: skip


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with personal data replaced by "[EMAIL]" and the like, and how many there were of each kind.

    Raises CorpusError without the extra `train`.
    """
    counts: Counter[str] = Counter()
    for kind, pattern, holds in _RULES:

        def put(match: re.Match[str], kind: str = kind, holds: Callable[[re.Match[str]], bool] = holds) -> str:
            if not holds(match):
                return match[0]
            counts[kind] += 1
            whole, start = match[0], match.start("it") - match.start()
            return f"{whole[:start]}[{kind}]{whole[start + len(match['it']) :]}"

        text = pattern.sub(put, text)
        if kind == "CARD" and _MAYBE_PHONE.search(text):
            text = _without_phones(text, counts)
    return text, counts


def _without_phones(text: str, counts: Counter[str]) -> str:
    for region in _REGIONS:
        for start, end in sorted(_phones(text, region), reverse=True):
            if not _named_thing(text, start):
                counts["PHONE"] += 1
                text = f"{text[:start]}[PHONE]{text[end:]}"
    return text


def _phones(text: str, region: str) -> Iterator[tuple[int, int]]:
    try:
        from phonenumbers import Leniency, PhoneNumberMatcher
    except ModuleNotFoundError as error:
        raise CorpusError("telephone numbers need phonenumbers; run: pip install 'zhanggui[train]'") from error
    for found in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        yield found.start, found.end
