"""Tells Chinese from English, and folds signs one by one so that places in the text stay. Knows no words."""

from zhanggui.catalog.product import Language


def is_chinese(sign: str) -> bool:
    """Whether it is a Chinese character."""
    return "\u3400" <= sign <= "\u9fff" or "\uf900" <= sign <= "\ufaff"


def language_of(text: str) -> Language:
    """Chinese where at least one in five letters is a Chinese character, for one of them says as much as a word."""
    chinese = sum(map(is_chinese, text))
    letters = sum(sign.isalpha() for sign in text)
    return "zh" if chinese and chinese * 5 >= letters else "en"


def fold_signs(text: str) -> str:
    """`text` in lower case and half width, each sign in its place: the result is as long as `text`."""
    return "".join(map(_folded, text))


def _folded(sign: str) -> str:
    if "\uff01" <= sign <= "\uff5e":
        sign = chr(ord(sign) - 0xFEE0)
    elif sign == "\u3000":
        return " "
    elif sign in "\u2018\u2019":
        return "'"
    lower = sign.lower()
    return lower if len(lower) == 1 else sign
