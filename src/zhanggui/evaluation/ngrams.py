"""The n-grams of several sets of texts as integers, counted once for every metric that needs them. Knows no metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tokens = Sequence[str]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Grams:
    """The n-grams of one order in one set: m entries, sorted by text, then by n-gram."""

    rows: Ints
    """(m,) number of the text."""
    ids: Ints
    """(m,) number of the n-gram; equal n-grams of all sets counted together have one number."""
    counts: Ints
    """(m,) how often the text says it."""
    size: int
    """Distinct n-grams of all sets together."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One set of n texts, counted."""

    tokens: Sequence[Tokens]
    lengths: Ints
    """(n,) tokens of each text."""
    grams: tuple[Grams, ...]
    """By order: n-grams of one token first."""

    def total(self, order: int) -> Ints:
        """(n,) n-grams of an order that each text has."""
        return np.maximum(0, self.lengths - order + 1)


def count(*sets: Sequence[Tokens], order: int = 4) -> list[Counted]:
    """Count the n-grams of orders 1 to `order` in each set of texts, under common numbers."""
    vocabulary: dict[str, int] = {}
    texts = [text for one in sets for text in one]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    ids = np.fromiter(
        (vocabulary.setdefault(token, len(vocabulary)) for text in texts for token in text),
        dtype=np.int64,
        count=int(lengths.sum()),
    )
    rows = np.repeat(np.arange(len(texts)), lengths)
    ends = np.cumsum([len(one) for one in sets])
    found: list[list[Grams]] = [[] for _ in sets]
    codes, size = ids, len(vocabulary)
    for n in range(1, order + 1):
        if n > 1:
            # An n-gram is an (n-1)-gram and the token behind it; pairs that would cross into the next text are dropped.
            inside = rows[: len(codes) - 1] == rows[n - 1 : n + len(codes) - 2]
            joined = codes[:-1] * len(vocabulary) + ids[n - 1 : n + len(codes) - 2]
            distinct, dense = np.unique(joined[inside], return_inverse=True)
            size = len(distinct)
            codes = np.full(len(inside), -1, dtype=np.int64)
            codes[inside] = dense
        place = rows[: len(codes)]
        for number, end in enumerate(ends):
            start = end - len(sets[number])
            mine = (place >= start) & (place < end) & (codes >= 0)
            found[number].append(_entries(place[mine] - start, codes[mine], size))
    return [
        Counted(tokens=one, lengths=lengths[end - len(one) : end], grams=tuple(grams))
        for one, end, grams in zip(sets, ends, found, strict=True)
    ]


def hits(reference: Grams, text: Grams) -> Ints:
    """(m,) of each entry of `text`: how often its text says it, but no oftener than the reference of that text does."""
    keys, wanted = text.rows * text.size + text.ids, reference.rows * reference.size + reference.ids
    if not len(wanted):
        return np.zeros(len(keys), dtype=np.int64)
    place = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    return np.where(wanted[place] == keys, np.minimum(text.counts, reference.counts[place]), 0)


def hits_in_others(text: Grams) -> Ints:
    """(m,) of each entry: how often its text says it, but no oftener than that other text which says it most."""
    order = np.lexsort((-text.counts, text.ids))
    ids, counts = text.ids[order], text.counts[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    starts = np.flatnonzero(first)
    most = np.repeat(counts[starts], np.diff(np.append(starts, len(ids))))
    # For the text that says it most, the others' most is the second entry of the n-gram, if there is one.
    second = np.zeros(len(ids), dtype=np.int64)
    second[:-1] = np.where(first[1:], 0, counts[1:])
    limits = np.empty(len(ids), dtype=np.int64)
    limits[order] = np.where(first, second, most)
    return np.minimum(text.counts, limits)


def by_text(grams: Grams, values: Ints, texts: int) -> Ints:
    """(texts,) sum of the entries' values."""
    return np.bincount(grams.rows, weights=values, minlength=texts).astype(np.int64)


def _entries(rows: Ints, codes: Ints, size: int) -> Grams:
    keys, counts = np.unique(rows * size + codes, return_counts=True)
    return Grams(rows=keys // max(1, size), ids=keys % max(1, size), counts=counts, size=size)
