"""An offer's discount in words, and whether its title says it already. Computes no price."""

import re

from zhanggui.catalog.product import Language
from zhanggui.decisioning.action import Offer

_DIGITS = str.maketrans("一二三四五六七八九￥", "123456789¥")
_AMOUNT = re.compile(r"[¥$€£]\d[\d,.]*|\d[\d,.]* [a-z]{3}\b|\d+%|\d+折")


def discount(offer: Offer | None, language: Language) -> str:
    """Such as "10% off" or "9折", "" for none."""
    if offer is None:
        return ""
    if offer.percent is not None:
        return f"{offer.percent}% off" if language == "en" else f"{(100 - offer.percent) / 10:g}折"
    if offer.amount is not None:
        amount = re.sub(r"\.0+(?!\d)", "", str(offer.amount))
        return f"{amount} off" if language == "en" else f"立减{amount}"
    return ""


def stated(words: str, title: str) -> bool:
    """Whether `title` says the discount `words` in whatever notation: 九折 is 9折, 立减20元 is 立减¥20."""
    amount = _AMOUNT.search(_plain(words))
    return amount is not None and bool(re.search(rf"(?<![\d.]){re.escape(amount[0])}(?![\d.,]*\d|%)", _plain(title)))


def _plain(text: str) -> str:
    """Chinese digits in Arabic ones, 8.5折 and 八五折 as 85折, 20元 as ¥20, no empty cents."""
    told = re.sub(r"(\d)\.(\d)(?=折)", r"\1\2", text.lower().translate(_DIGITS))
    told = re.sub(r"(\d[\d,.]*)\s*[元块]", r"¥\1", told)
    return re.sub(r"(?<=\d)\.0+(?!\d)", "", re.sub(r"([¥$€£]) (?=\d)", r"\1", told))
