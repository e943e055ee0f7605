"""The values of one JSON array, each with the line that it begins on. Does not know what they mean."""

import json
import re
from collections.abc import Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")


def is_array(text: str) -> bool:
    """Whether the text begins as a JSON array does."""
    return text.lstrip(" \t\r\n").startswith("[")


def array(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of each element, in order. Raises json.JSONDecodeError, which has its line, or RecursionError."""
    decoder = json.JSONDecoder()
    at = _after(text, _after(text, 0, "["))
    counted, line = 0, 1
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = decoder.raw_decode(text, at)
        yield line, value
        at = _after(text, at)
        if text[at : at + 1] != "]":
            at = _after(text, _after(text, at, ","))
    if (end := _after(text, at + 1)) < len(text):
        raise json.JSONDecodeError("there is more after the array's end", text, end)


def _after(text: str, at: int, sign: str = "") -> int:
    """The place after white space, or after white space and one sign that must come."""
    found = _SPACE.match(text, at)
    place = found.end() if found else at
    if sign and text[place : place + 1] != sign:
        raise json.JSONDecodeError(f"a {sign!r} is missing", text, place)
    return place + len(sign)
