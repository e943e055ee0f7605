"""What counts as an id, and how it is written: numbers as their digits, placeholders of broken clients as no id at all."""

import math
import re

from zhanggui.errors import EventError

MAX_ID = 256
_NO_ID = frozenset(
    {
        "undefined",
        "null",
        "(null)",
        "nil",
        "none",
        "nan",
        "inf",
        "-inf",
        "infinity",
        "true",
        "false",
        "n/a",
        "[object object]",
    }
)
"""What clients send for an id that they do not have, in lower case."""
_ZEROS = re.compile(r"[-+.{}:\s]*0[-+.{}:\s0]*")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_EXACT = 2**53
_MOST_DIGITS = 30


def is_no_id(text: str) -> bool:
    """Whether a text stands for "nobody": blank, zeros (an empty UUID too), or a word such as `undefined` or `null`."""
    shape = text.strip().lower()
    return not shape or shape in _NO_ID or _ZEROS.fullmatch(shape) is not None


def identifier(value: str | int | float | None, field: str) -> str | None:
    """An id as text; None where it stands for nobody. A column with a gap turns 17850 into 17850.0: that is 17850.

    Raises EventError with the field.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > _EXACT:
            raise EventError("is not a whole number", field=field, hint="an id is a text or a whole number")
        value = int(value)
    if isinstance(value, int):
        if abs(value) >= 10**_MOST_DIGITS:
            raise EventError("is too large a number", field=field, hint="write a long id in quotes")
        value = str(value)
    if is_no_id(value):
        return None
    text = value.strip()
    if len(text) > MAX_ID:
        raise EventError(f"is longer than {MAX_ID} characters", field=field)
    if not text.isprintable() and _UNSTORABLE.search(text):
        # Stripping would let two people become one.
        raise EventError("has control characters", field=field)
    return text
