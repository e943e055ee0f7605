"""How much texts vary: distinct-n (Li et al. 2016) and repetition-n (Welleck et al. 2020). Words, or Chinese characters."""

import re
from collections.abc import Sequence

_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['’][^\W\d_]+)?")


def units(text: str) -> list[str]:
    """The words of a text, in lower case; each Chinese character is one."""
    return _UNIT.findall(text.lower())


def grams(text: str, n: int) -> list[tuple[str, ...]]:
    """The n-grams of a text's units."""
    found = units(text)
    return [tuple(found[place : place + n]) for place in range(len(found) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams over all n-grams of all texts, in [0, 1]; 0 when there is none."""
    made = [gram for text in texts for gram in grams(text, n)]
    return len(set(made)) / len(made) if made else 0.0


def repetition(text: str, n: int) -> float:
    """Share of a text's n-grams that it has said before, in [0, 1]."""
    made = grams(text, n)
    return 1 - len(set(made)) / len(made) if made else 0.0
