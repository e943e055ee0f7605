"""Finds e-mail addresses, telephone and order numbers, and postal addresses by their form. Knows no order and no person."""

import re

from zhanggui.conversation.understanding import Slot

_EMAIL = re.compile(r"(?a)(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}")
_PHONE = re.compile(r"(?a)(?<![\w-])(?:\+\d{1,3}[ -]?)?(?:\(\d{2,4}\)[ -]?)?\d{2,5}(?:[ -]\d{3,5}){1,3}(?![\w-])|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\w)\+\d{10,14}(?!\d)")  # fmt: skip
_TAIL = re.compile(r"(?a)(?<=尾号)\d{4}|(?<=last four )\d{4}|(?<=ending in )\d{4}")
_ORDER = re.compile(r"(?a)#\d{4,14}\b|(?<![a-z\d$£€¥.-])[a-z]{1,4}-?\d{5,14}(?:-\d{1,8})?(?![\w])|(?<![\w$£€¥.@+-])\d{5,18}(?![\w%])(?!\s?(?:元|块))")  # fmt: skip
_ENGLISH_ADDRESS = re.compile(
    r"(?a)\b\d{1,5}[a-z]? (?:[a-z.'-]{1,20} ){1,4}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|close|court|ct|way|place|pl|square|boulevard|blvd)\b"
    r"(?:\.?,? ?(?!(?:and|please|pls|instead|for|not|call|phone|email|tel)\b)[a-z0-9'-]{1,20}){0,7}"
)
_CHINESE_ADDRESS = re.compile(
    r"(?a)(?:[\u4e00-\u9fff]{2,8}[省市])?(?:[\u4e00-\u9fff]{1,8}[市区县])?[\u4e00-\u9fff]{1,10}(?:路|街|道|巷|弄|大道)\d{1,5}号(?:[\u4e00-\u9fff\d-]{0,16}(?:单元|室|楼|栋|层|座|号)?\d{0,5})?"
)
_CHINESE_VERB = re.compile(
    r"(?a)^(?:.{0,6}?)(?:改寄到|改寄|改发|送到|送去|寄到|寄去|寄|发到|发往|发|换成|改成|改为|应该是|是|到)"
)
_POSTCODE = re.compile(r"(?a)\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b|(?<=邮编)[^\d]{0,10}(\d{6})")
_PLACES = re.compile(
    r"(?a)(?:ship(?:ping|ped)?|deliver(?:y|ed)?|postage|send)(?: it| this)? to ([a-z]{3,20}(?: [a-z]{3,20})?)"
    r"|(?:发到|寄到|送到|寄往|寄|发往)([\u4e00-\u9fff]{2,3})(?=要|多|几天|邮|运|快递|得|包邮)"
)
_NO_PLACE = {"my", "the", "me", "this", "that", "home", "your", "our", "sender", "公司", "家里", "一个", "你们", "这个", "那个", "请问", "满多"}  # fmt: skip

_AFTER_PLACE = {"please", "expensive", "pls", "and", "take", "cost", "for", "from", "with", "or", "free", "by", "before", "tomorrow", "today", "instead"}  # fmt: skip


def contacts(text: str) -> list[Slot]:
    """E-mail addresses, telephone and order numbers and postal addresses of a folded text; what comes first wins."""
    slots = [_slot("email", match[0].rstrip("."), match) for match in _EMAIL.finditer(text)]
    slots += [_slot("phone", re.sub(r"[^\d+]", "", match[0]), match) for match in (*_PHONE.finditer(text), *_TAIL.finditer(text)) if _is_phone(match[0])]  # fmt: skip
    slots += [_postcode(match) for match in _POSTCODE.finditer(text)]
    slots += [_slot("order_number", match[0].lstrip("#").upper(), match) for match in _ORDER.finditer(text)]
    slots += [_slot("address", match[0], match) for match in _ENGLISH_ADDRESS.finditer(text)]
    slots += [_chinese_address(match) for match in _CHINESE_ADDRESS.finditer(text)]
    slots += [slot for match in _PLACES.finditer(text) if (slot := _place(match))]
    return slots


def _is_phone(text: str) -> bool:
    digits = sum(sign.isdigit() for sign in text)
    return (digits == 4 and text.isdigit()) or 9 <= digits <= 15


def _chinese_address(match: re.Match[str]) -> Slot:
    verb = _CHINESE_VERB.match(match[0])
    start = match.start() + (verb.end() if verb else 0)
    return Slot(name="address", value=match.string[start : match.end()], start=start, end=match.end())


def _postcode(match: re.Match[str]) -> Slot:
    group = 1 if match[1] else 0
    return Slot(name="address", value=match[group], start=match.start(group), end=match.end(group))


def _place(match: re.Match[str]) -> Slot | None:
    group = 1 if match[1] else 2
    words = match[group].split(" ")
    if words[0] in _NO_PLACE:
        return None
    stop = next((place for place in range(1, len(words)) if words[place] in _AFTER_PLACE), len(words))
    place = " ".join(words[:stop])
    return Slot(name="address", value=place, start=match.start(group), end=match.start(group) + len(place))


def _slot(name: str, value: str, match: re.Match[str]) -> Slot:
    return Slot(name=name, value=value, start=match.start(), end=match.start() + len(match[0].rstrip(".")))
