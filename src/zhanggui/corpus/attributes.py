"""Which attributes of its product a text mentions, by rule: the value itself, or most of it. Knows no synonyms."""

import re
from collections.abc import Sequence

from zhanggui.corpus.document import Annotation

VERSION = "attributes/1"
_HAN = re.compile(r"[\u3400-\u9fff]")
_PIECE = re.compile(r"[a-z0-9.]+|[\u3400-\u9fff]")


def attributes_covered(text: str, attributes: Sequence[tuple[str, str]]) -> list[Annotation]:
    """One annotation an attribute that is mentioned: confidence 1 for the value as it stands, less for part of it."""
    low = text.lower()
    words = set(_PIECE.findall(low))
    found = []
    for name, value in dict.fromkeys(attributes):
        sure = _mentioned(value.lower().strip(), low, words)
        if sure:
            found.append(
                Annotation(kind="attribute", value=value, source="rule", by=VERSION, confidence=sure, aspect=name)
            )
    return found


def _mentioned(value: str, text: str, words: set[str]) -> float:
    if not value:
        return 0.0
    if _HAN.search(value):
        if value in text:
            return 1.0
        # "阔腿裤" in "阔腿的裤子": its first two characters, or its last two, where it has three or more.
        return 0.6 if len(value) >= 3 and (value[:2] in text or value[-2:] in text) else 0.0
    if re.search(rf"(?<![a-z0-9]){re.escape(value)}(?![a-z0-9])", text):
        return 1.0
    mine = [one for one in _PIECE.findall(value) if len(one) > 2 or one.isdigit()]
    share = sum(one in words or one.removesuffix("s") in words or f"{one}s" in words for one in mine) / max(
        1, len(mine)
    )
    return 0.8 if share == 1.0 else 0.6 if share > 0.5 else 0.0
