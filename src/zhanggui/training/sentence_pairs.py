"""Rows for BERT's objectives (Devlin et al. 2019): sentence pairs with masked tokens. Pure arrays; knows no model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhanggui.training.packing import IGNORED, Ints

# Ends of clauses: a shop's review is often one sentence of several.
_CLAUSE = re.compile(r"[^。！？；!?;\n，,.～~…]*[。！？；!?;\n，,.～~…]*")


def clauses(text: str) -> list[str]:
    """A text cut after each clause; at least two characters each."""
    found: list[str] = []
    for piece in _CLAUSE.findall(text):
        if found and len(piece) < 2:
            found[-1] += piece
        elif piece.strip():
            found.append(piece)
    return found


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Ids of the special tokens, and what may replace a masked token."""

    cls: int
    sep: int
    mask: int
    pad: int
    ordinary: Ints
    """Every id that is no special token."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sentence pair; arrays are (tokens,)."""

    input_ids: Ints
    token_type_ids: Ints
    labels: Ints
    """The ids that were masked, IGNORED elsewhere."""
    next_sentence_label: int
    """0: the second follows the first; 1: it is of another document (Hugging Face's order)."""


def sentence_pair(
    documents: Sequence[Sequence[Sequence[int]]],
    place: int,
    *,
    length: int,
    share: float,
    marks: Marks,
    rng: np.random.Generator,
) -> Row:
    """A row that starts in document `place`; `documents` are lists of clauses of token ids, two or more each, short ones first.

    A second sentence from elsewhere is the like part of a document of about the same size, so that its length tells
    nothing, and a batch of alike documents needs little padding.
    """
    mine = documents[place]
    cut = int(rng.integers(1, len(mine)))
    apart = bool(rng.random() < 0.5) and len(documents) > 1
    if apart:
        step = int(rng.integers(1, max(1, len(documents) // 100) + 1))
        theirs = documents[(place + step) % len(documents)]
        rest = theirs[min(max(1, round(cut * len(theirs) / len(mine))), len(theirs) - 1) :]
    else:
        rest = mine[cut:]
    first = [token for clause in mine[:cut] for token in clause]
    second = [token for clause in rest for token in clause]
    # The longer one gives way: from its start for the first, from its end for the second, so that they still meet.
    spare = length - 3
    if len(first) + len(second) > spare:
        keep = max(spare - len(second), spare // 2)
        first = first[-keep:]
        second = second[: spare - len(first)]
    ids = np.array([marks.cls, *first, marks.sep, *second, marks.sep], dtype=np.int64)
    kinds = np.zeros(len(ids), dtype=np.int64)
    kinds[len(first) + 2 :] = 1
    labels = _mask(ids, share=share, marks=marks, rng=rng)
    return Row(input_ids=ids, token_type_ids=kinds, labels=labels, next_sentence_label=int(apart))


def _mask(ids: Ints, *, share: float, marks: Marks, rng: np.random.Generator) -> Ints:
    """Chooses tokens to restore and changes `ids` in place: 80% masked, 10% another token, 10% left."""
    open_to = np.flatnonzero((ids != marks.cls) & (ids != marks.sep))
    count = max(1, round(share * len(open_to)))
    chosen = rng.choice(open_to, size=min(count, len(open_to)), replace=False)
    labels = np.full(len(ids), IGNORED, dtype=np.int64)
    labels[chosen] = ids[chosen]
    dice = rng.random(len(chosen))
    ids[chosen[dice < 0.8]] = marks.mask
    other = chosen[(dice >= 0.8) & (dice < 0.9)]
    ids[other] = marks.ordinary[rng.integers(len(marks.ordinary), size=len(other))]
    return labels
