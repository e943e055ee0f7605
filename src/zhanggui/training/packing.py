"""Packs documents into rows of one length without attention across them. Pure arrays; knows no model.

Best-fit decreasing (Ding et al. 2024, "Fewer truncations improve language modeling"): a document is cut only where it
is longer than a row.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
IGNORED = -100
"""A label that no loss counts."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Rows of `length` tokens, each (rows, length)."""

    input_ids: Ints
    labels: Ints
    """As the ids; IGNORED for padding and for the first token of a document, which nothing before it foretells."""
    position_ids: Ints
    """Start anew with each document: where they do, attention does not reach back."""

    @property
    def filled(self) -> float:
        """Share of the tokens that are not padding."""
        return float((self.labels != IGNORED).mean())


def pack(documents: Sequence[Sequence[int]], *, length: int, pad: int) -> Packed:
    """Pack token ids into rows; documents of one token are left out, having nothing to foretell.

    The pieces of a document longer than a row share a token: each token but the first is foretold once.
    """
    pieces = [
        document[start : start + length] for document in documents for start in range(0, len(document) - 1, length - 1)
    ]
    order = sorted(range(len(pieces)), key=lambda place: -len(pieces[place]))
    rows: list[list[int]] = []
    # Rows that have room, as (room, row): the tightest that fits is the first with enough.
    room: list[tuple[int, int]] = []
    for place in order:
        size = len(pieces[place])
        found = bisect_left(room, (size, -1))
        if found < len(room):
            left, row = room.pop(found)
        else:
            left, row = length, len(rows)
            rows.append([])
        rows[row].append(place)
        if left > size:
            insort(room, (left - size, row))
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    labels = np.full((len(rows), length), IGNORED, dtype=np.int64)
    positions = np.zeros((len(rows), length), dtype=np.int64)
    for row, members in enumerate(rows):
        start = 0
        for place in members:
            piece = pieces[place]
            end = start + len(piece)
            ids[row, start:end] = piece
            labels[row, start + 1 : end] = piece[1:]
            positions[row, start:end] = np.arange(len(piece))
            start = end
        positions[row, start:] = np.arange(length - start)
    return Packed(input_ids=ids, labels=labels, position_ids=positions)
