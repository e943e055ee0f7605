"""A customer's name and city as a message may print them: whole, or not at all. Knows no template.

Anybody can write anything into these traits, in a web page or by a slip of a program; a greeting without a name harms nobody.
"""

import re
import unicodedata

from zhanggui.catalog.clean import clean

_MOST_CHARACTERS, _MOST_WORDS = 40, 4
_LETTERS = r"[^\W\d_]+"
_WORD = re.compile(rf"(?:[^\W\d_]\.)+|{_LETTERS}(?:['’ʼ·・-]{_LETTERS})*[.']?|&")
_NOBODY = frozenset(
    {"null", "none", "nil", "undefined", "unknown", "n.a.", "true", "false", "test", "tester", "guest", "user"}
    | {"customer", "anonymous", "admin", "name", "firstname", "first name", "your name"}
    | {"空", "无", "未知", "匿名", "测试", "游客", "用户", "顾客", "客户", "姓名", "名字"}
)


def printed_name(value: object) -> str:
    """The name, or "" for what is none: a placeholder, a link, a number, a list, a sentence, more than a line holds."""
    if not isinstance(value, str):
        return ""
    text = " ".join(clean(value[:1_000]).split())
    words = _without_marks(text).split()
    if len(text) > _MOST_CHARACTERS or len(words) > _MOST_WORDS or not all(map(_WORD.fullmatch, words)):
        return ""
    is_nobody = text.casefold() in _NOBODY or text == "NaN" or set(words) == {"&"}
    return "" if is_nobody else text


def _without_marks(text: str) -> str:
    """The text without the vowel signs and accents that stand beside their letters."""
    return "".join(character for character in text if not unicodedata.category(character).startswith("M"))
