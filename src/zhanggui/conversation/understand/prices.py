"""Finds prices: amounts with a currency, a bound ("under", 以内) or a range, and "cheaper". Does not know the shop's prices."""

import re
from collections.abc import Iterator, Sequence

from zhanggui.conversation.understand.amounts import Amount
from zhanggui.conversation.understanding import Slot

_SIGNS = {"$": "USD", "£": "GBP", "€": "EUR", "¥": "CNY", "usd": "USD", "gbp": "GBP", "eur": "EUR", "rmb": "CNY", "cny": "CNY", "us$": "USD"}  # fmt: skip
_NAMES = _SIGNS | {
    "dollars": "USD", "dollar": "USD", "bucks": "USD", "美元": "USD", "美金": "USD", "刀": "USD", "euros": "EUR", "euro": "EUR", "欧元": "EUR", "pounds": "GBP", "quid": "GBP", "英镑": "GBP",
    "yuan": "CNY", "元钱": "CNY", "块钱": "CNY", "人民币": "CNY", "元": "CNY", "块": "CNY",
}  # fmt: skip
_BEFORE = re.compile(rf"(?a)(?:{'|'.join(map(re.escape, sorted(_SIGNS, key=len, reverse=True)))})\s?$")
_AFTER = re.compile(rf"(?a)\s?(?:{'|'.join(map(re.escape, sorted(_NAMES, key=len, reverse=True)))})(?![a-z])")
_BOUNDS = (
    ("max", r"(?:under|below|less than|cheaper than|max(?:imum)?(?: of)?|up to|no(?:t|thing)? (?:more than|over|above)|at most|within|not exceeding|不超过|别超过|不要超过|低于|少于|最多|顶多|最高|不高于|加到)"),
    ("min", r"(?:over|above|more than|at least|from|min(?:imum)?(?: of)?|starting at|高于|至少|最低|不低于|起码|多于|超过)"),
    ("about", r"(?:around|about|roughly|approx(?:imately)?|circa|~|大概|大约|差不多|约)"),
    ("max", r"(?:budget(?: is| of)?|spend|预算(?:就|是|在|只有)?)"),
)  # fmt: skip
_CUES_BEFORE = tuple((operator, re.compile("(?a)" + cue + r"(?: (?:a|the))?\s?[:：]?$")) for operator, cue in _BOUNDS)
_CUES_AFTER = tuple(
    (operator, re.compile(r"(?a)(?:一?[个件条双本盒套瓶只把款包]|每?[个件]| each| a ?piece)?(?:的)?\s?" + cue))
    for operator, cue in (
        ("max", r"(?:以内|之内|以下|之下|内|封顶|max\b|or less|or under|tops\b|at most)"),
        ("min", r"(?:以上|之上|起|or more|and up|plus\b|\+)"),
        ("about", r"(?:左右|上下|差不多|的样子|or so|ish\b|or thereabouts)"),
    )
)
_RANGE = re.compile(r"(?a)\s?(?:-|–|—|~|～|to|and|到|至|和)\s?(?:us\$|[$£€¥])?$")
_UNIT = re.compile(
    r"(?a)\s?-?(?:cm|mm|ml|m\b|kg|g\b|gsm|oz|l\b|litres?|liters?|inch|w\b|watts?|mah|gb|%|percent|off\b|pages?|days?|weeks?|hours?|years?|months?"
    r"|pairs?|packs?|boxes|pieces|times|people|stars?|码|厘米|毫米|米|毫升|升|克|斤|公斤|寸|瓦|天|周|年|小时|个月|月|号|日|折|点|分|岁|页|人|次|[个件条双本盒包份只套瓶张把款罐斤袋箱])"
)  # fmt: skip
_OFFER = re.compile(
    r"(?a)\b(?:do it for|take|for|has it for|give you|pay|accept)\s?(?:us\$|[$£€¥])?$|(?:少|给你|才卖|只要|卖|出)$"
)
_OFFER_AFTER = re.compile(r"(?a)\s?(?:元|块)?(?:卖不卖|行不行|行吗|可以吗|成不成|成交|卖吗)")
_RELATIVE = (
    ("cheaper", re.compile(r"(?a)\b(?:cheaper|less (?:pricey|expensive|costly)|more affordable|lower price[ds]?)\b|(?:便宜|实惠|划算|低价|经济)(?:一点|一些|点|些)")),
    ("dearer", re.compile(r"(?a)\b(?:fancier|more expensive|pricier|dearer|more premium|higher end)\b|(?:高档|贵|高端|好)(?:一点|一些|点儿?)(?=的|$)")),
)  # fmt: skip


def prices(text: str, numbers: Sequence[Amount], *, asked: str = "") -> list[Slot]:
    """The prices of a folded text; where a price was asked for, a bare number is one, said as a bound from above."""
    slots = [slot for operator, cue in _RELATIVE for slot in _relative(text, operator, cue)]
    at = 0
    while at < len(numbers):
        pair = numbers[at : at + 2]
        if len(pair) == 2 and _is_range(text, *pair):
            currency = _currency(text, pair[1]) or _currency(text, pair[0])
            slots += [_slot(text, pair[0], "min", currency), _slot(text, pair[1], "max", currency)]
            at += 2
            continue
        if operator := _operator(text, numbers[at], asked):
            slots.append(_slot(text, numbers[at], operator, _currency(text, numbers[at])))
        at += 1
    return slots


def _relative(text: str, operator: str, cue: re.Pattern[str]) -> Iterator[Slot]:
    for match in cue.finditer(text):
        yield Slot(name="price", value="", start=match.start(), end=match.end(), operator=operator)


def _is_range(text: str, low: Amount, high: Amount) -> bool:
    between = text[low.end : high.start]
    if len(between) > 12 or (_UNIT.match(text, high.end) and not _AFTER.match(text, high.end)):
        return False
    after = _AFTER.match(between)
    joined = _RANGE.search(between[after.end() :] if after else between)
    said = re.search(
        r"between\s?\S?$|from\s?\S?$|(?:价格|预算)[^,，]{0,3}$", text[max(0, low.start - 16) : low.start]
    ) or re.match(r"\S{0,3}之间|\S{0,2}的", text[high.end : high.end + 6])
    return bool(joined and low.number < high.number and (said or _currency(text, low) or _currency(text, high)))


def _operator(text: str, number: Amount, asked: str) -> str:
    before = text[max(0, number.start - 28) : _start(text, number)].rstrip(" ")
    end = _end(text, number)
    currency = _currency(text, number)
    if not currency and (_UNIT.match(text, number.end) or number.number < 5):
        return ""
    for operator, cue in _CUES_AFTER:
        if cue.match(text, end):
            return operator
    for operator, cue in _CUES_BEFORE:
        if cue.search(before):
            return operator
    if _OFFER_AFTER.match(text, end) or _OFFER.search(before):
        return "exactly" if currency or _OFFER_AFTER.match(text, end) or number.number >= 10 else ""
    if currency:
        return "about"
    return "max" if asked == "price" else ""


def _start(text: str, number: Amount) -> int:
    """Where the price begins: at its currency sign, if one stands before the number."""
    before = _BEFORE.search(text[max(0, number.start - 4) : number.start])
    return number.start - len(before[0]) if before else number.start


def _end(text: str, number: Amount) -> int:
    after = _AFTER.match(text, number.end)
    return after.end() if after else number.end


def _currency(text: str, number: Amount) -> str:
    before = _BEFORE.search(text[max(0, number.start - 4) : number.start])
    after = _AFTER.match(text, number.end)
    if before:
        return _SIGNS[before[0].strip()]
    return _NAMES[after[0].strip()] if after else ""


def _slot(text: str, number: Amount, operator: str, currency: str) -> Slot:
    start, end = _start(text, number), _end(text, number)
    return Slot(name="price", value=f"{number.text} {currency}".strip(), start=start, end=end, operator=operator)
