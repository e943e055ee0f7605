"""Parts a text into pieces to mark: values that its source has, values that it has not, claims without evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zhanggui.evaluation.relevance import Relevance

Mark = Literal["", "covered", "unsupported", "claim"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A run of a text under one mark."""

    text: str
    mark: Mark


def pieces(text: str, relevance: Relevance | None, claims: Sequence[str]) -> list[Piece]:
    """The pieces of a text, in order; together they are the text."""
    marks: list[Mark] = [""] * len(text)
    for one in relevance.said if relevance else ():
        marks[one.start : one.end] = ["covered" if one.supported else "unsupported"] * (one.end - one.start)
    for phrase in claims:
        place = text.find(phrase)
        while place >= 0:
            marks[place : place + len(phrase)] = ["claim"] * len(phrase)
            place = text.find(phrase, place + len(phrase))
    found: list[Piece] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or marks[place] != marks[start]:
            found.append(Piece(text=text[start:place], mark=marks[start]))
            start = place
    return found
