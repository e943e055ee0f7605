"""Finds sizes ("XL", 42码, 26 cm) and quantities ("two of", 三盒). Does not know which sizes the shop has."""

import re
from collections.abc import Sequence
from decimal import Decimal

from zhanggui.conversation.understand.amounts import Amount
from zhanggui.conversation.understanding import Slot

_LETTERS = re.compile(r"(?a)(?<![a-z'&-])(?:size )?(xxs|xs|s|m|l|xl|xxl|xxxl|[2-5]xl)(?:码|号)?(?![a-z'&-])")
_NUMBERED = re.compile(r"(?a)\b(?:size|uk|eu|us) ?(\d{1,2}(?:\.5)?)\b|(?<!\d)(\d{2}(?:\.5)?)(?:码|号半?)(?!\d)")
_NAMED = {
    "small": "S", "medium": "M", "large": "L", "extra large": "XL", "x-large": "XL", "one size": "one size", "queen": "queen", "king": "king", "twin": "twin",
    "小码": "S", "小号": "S", "中码": "M", "中号": "M", "大码": "L", "大号": "L", "加大码": "XL", "加大号": "XL", "加大": "XL", "特大号": "XL", "均码": "one size",
}  # fmt: skip
_NAMES = re.compile(r"(?a)(?<![a-z])(?:" + "|".join(sorted(_NAMED, key=len, reverse=True)) + r")(?![a-z])(?:的(?=$))?")
_SHOES = re.compile(r"鞋|靴|shoe|sneaker|trainer|boot|sandal|heels")
_LENGTHS = {
    "cm": "cm",
    "厘米": "cm",
    "公分": "cm",
    "mm": "mm",
    "毫米": "mm",
    "inch": "inch",
    "inches": "inch",
    "寸": "inch",
    "米": "m",
}
_LENGTH = re.compile(r"(?a)\s?-?(" + "|".join(sorted(_LENGTHS, key=len, reverse=True)) + r")(?![a-z])")
_UNITS = {
    "ml": "ml", "毫升": "ml", "l": "l", "litre": "l", "litres": "l", "liter": "l", "liters": "l", "升": "l", "g": "g", "克": "g", "kg": "kg", "公斤": "kg", "oz": "oz", "w": "w", "瓦": "w",
    "mah": "mah", "毫安": "mah", "gb": "gb", "gsm": "gsm",
}  # fmt: skip
_UNIT = re.compile(r"(?a)\s?-?(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")(?![a-z])")
_CLASSIFIER = re.compile(r"(?a)[个件条双本盒包份只套瓶张把块罐袋箱支台对](?!钱)")
_COUNTED = re.compile(
    r"(?a) (?:of\b|packs?\b|pairs?\b|boxes\b|pieces\b|sets?\b|more\b|[a-z-]{2,16}s\b|[a-z]{3,12} [a-z]{3,12}s\b)"
)
_BUYS = re.compile(
    r"(?a)(?:\b(?:need|want|buy|get|order|if i (?:buy|order|get)|take|gimme|give me|sent me|paid for|put|how much (?:for|would|are|is)|for) |(?:我?要|来|买|订|拍了?|加))$"
)
_BOTH = re.compile(r"(?a)\bboth\b|\ba couple(?: of)?\b|\ba dozen\b")
_NO_COUNT = re.compile(r"(?a)(?:想要|推荐|有|找|求|买|第|这|那|后)$")
_NOT_COUNTED = re.compile(
    r"(?a) ?(?:days?|weeks?|hours?|months?|years?|minutes?|times|people|stars|one\b)|天|周|年|小时|个?(?:月|小时|礼拜|星期)|[个款件](?:颜色|尺码)"
)


def sizes(text: str, numbers: Sequence[Amount], *, asked: str = "") -> list[Slot]:
    """The sizes of a folded text, and measures that other aspects have ("30 ml") as features."""
    slots = [_slot("size", match[1].upper().replace("2XL", "XXL").replace("3XL", "XXXL"), match.start(), match.end()) for match in _LETTERS.finditer(text)]  # fmt: skip
    slots += [_slot("size", match[1] or match[2], match.start(), match.end()) for match in _NUMBERED.finditer(text)]
    for match in _NAMES.finditer(text):
        slots.append(
            _slot("size", _NAMED[match[0].rstrip("的")], match.start(), match.start() + len(match[0].rstrip("的")))
        )
    for number in numbers:
        if length := _LENGTH.match(text, number.end):
            slots.append(_slot("size", f"{number.text} {_LENGTHS[length[1]]}", number.start, length.end()))
        elif unit := _UNIT.match(text, number.end):
            slots.append(_slot("feature", f"{number.text} {_UNITS[unit[1]]}", number.start, unit.end()))
        elif asked == "size" or (
            33 <= number.number <= 48 and _SHOES.search(text) and not _CLASSIFIER.match(text, number.end)
        ):
            slots.append(_slot("size", number.text, number.start, number.end))
    return slots


def quantities(text: str, numbers: Sequence[Amount], *, asked: str = "") -> list[Slot]:
    """How many are wanted: a number with a Chinese classifier, or one that counts English nouns or follows a verb of buying."""
    slots = []
    for number in numbers:
        if number.number > 1_000 or number.number != number.number.to_integral_value() or number.number <= 0:
            continue
        classifier = _CLASSIFIER.match(text, number.end)
        if _NOT_COUNTED.match(text, number.end) or text[max(0, number.start - 1) : number.start] in tuple(
            "第#上下这那"
        ):
            continue
        before = text[max(0, number.start - 20) : number.start]
        if classifier:
            if number.number != 1 or not _NO_COUNT.search(before):
                slots.append(_slot("quantity", number.text, number.start, classifier.end()))
        elif _COUNTED.match(text, number.end) or _BUYS.search(before) or asked == "quantity":
            slots.append(_slot("quantity", number.text, number.start, number.end))
    for match in _BOTH.finditer(text):
        value = Decimal(12 if "dozen" in match[0] else 2)
        slots.append(_slot("quantity", str(value), match.start(), match.end()))
    return slots


def _slot(name: str, value: str, start: int, end: int) -> Slot:
    return Slot(name=name, value=value, start=start, end=end)
