"""Spans as BIO tags of tokens and back, and the likeliest tags under a linear-chain CRF. Knows neither slots nor models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OUTSIDE = "O"
Span = tuple[str, int, int]
"""A name and characters [start, end)."""


def tag_names(names: Sequence[str]) -> tuple[str, ...]:
    """The tags that spans of these names need; `O` is the first."""
    return (OUTSIDE, *(f"{part}-{name}" for name in names for part in "BI"))


def tags_of(tokens: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    """The tag of each token, itself characters [start, end): it belongs to the span that covers most of its middle."""
    tags = []
    previous = None
    for start, end in tokens:
        middle = (start + end) / 2
        span = next((one for one in spans if one[1] < middle < one[2] and start < end), None)
        tags.append(OUTSIDE if span is None else f"{'I' if span is previous else 'B'}-{span[0]}")
        previous = span
    return tags


def spans_of(tags: Sequence[str], tokens: Sequence[tuple[int, int]], text: str) -> list[Span]:
    """The spans that these tags of tokens say, without blanks and end marks at their edges."""
    spans: list[Span] = []
    name, start, end = "", 0, 0
    for tag, (first, last) in zip((*tags, OUTSIDE), (*tokens, (0, 0)), strict=True):
        if tag[:2] == "I-" and tag[2:] == name:
            end = last
            continue
        if name:
            spans += _trimmed(name, start, end, text)
        name, start, end = ("", 0, 0) if tag == OUTSIDE else (tag[2:], first, last)
    return spans


def _trimmed(name: str, start: int, end: int, text: str) -> list[Span]:
    while start < end and text[start] in " \t\n,，.。、?？!！":
        start += 1
    while end > start and text[end - 1] in " \t\n,，。、?？!！":
        end -= 1
    return [(name, start, end)] if start < end else []


def likeliest(
    scores: "NDArray[np.float32]",
    transitions: "NDArray[np.float32]",
    start: "NDArray[np.float32]",
    end: "NDArray[np.float32]",
) -> list[int]:
    """The tags of highest score by Viterbi: `scores` is [tokens, tags], transitions go from row to column."""
    import numpy as np

    best, back = start + scores[0], []
    for each in scores[1:]:
        paths = best[:, None] + transitions
        back.append(paths.argmax(0))
        best = paths.max(0) + each
    tag = int((best + end).argmax())
    tags = [tag]
    for pointers in reversed(back):
        tag = int(pointers[tag])
        tags.append(tag)
    return [int(one) for one in np.asarray(tags[::-1])]


def allowed(tags: Sequence[str]) -> "NDArray[np.bool_]":
    """[from, to] whether a tag may follow: an inner tag only its own beginning or inside."""
    import numpy as np

    return np.array(
        [[after[:2] != "I-" or (before[1:] == after[1:] and before != OUTSIDE) for after in tags] for before in tags]
    )
