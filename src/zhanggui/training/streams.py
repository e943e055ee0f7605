"""Streams of training rows: row number j of a run is a pure function of the seed and j.

So a resumed run, and a run on several processes, see the very rows that an uninterrupted one on one process sees.
Works on numpy; the Trainer takes a stream for a map-style dataset, in its order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zhanggui.training.packing import IGNORED, Ints, Packed
from zhanggui.training.sentence_pairs import Marks, sentence_pair


@dataclass(kw_only=True)
class Stream:
    """`length` rows drawn from `count` examples, each epoch in another order."""

    row: Callable[[int, np.random.Generator], dict[str, Any]]
    """Makes a row from an example's place."""
    count: int
    length: int
    seed: int
    sizes: Sequence[int] | None = None
    """Of the examples: those of alike size go together, in an order that changes, so that batches need little padding."""
    batch: int = 1
    _order: tuple[int, Ints] = field(default=(-1, np.zeros(0, dtype=np.int64)), repr=False)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Any]:
        if not 0 <= number < self.length:
            raise IndexError(number)
        # Of several epochs each is whole batches, or later ones would mix sizes; a few rows, others each time, sit out.
        span = (
            self.count
            if self.length <= self.count or self.count < self.batch
            else self.count // self.batch * self.batch
        )
        epoch, place = divmod(number, span)
        if self._order[0] != epoch:
            self._order = (epoch, self._shuffled(epoch))
        return self.row(int(self._order[1][place]), np.random.default_rng((self.seed, 1, number)))

    def _shuffled(self, epoch: int) -> Ints:
        rng = np.random.default_rng((self.seed, 0, epoch))
        order = rng.permutation(self.count)
        if self.sizes is None or self.count < self.batch:
            return order
        sizes = np.asarray(self.sizes)
        window = self.batch * 50
        whole = self.count - self.count % self.batch
        pieces = [order[start : min(start + window, whole)] for start in range(0, whole, window)]
        alike = np.concatenate([piece[np.argsort(sizes[piece], kind="stable")] for piece in pieces])
        batches = alike.reshape(-1, self.batch)
        return np.concatenate([batches[rng.permutation(len(batches))].ravel(), order[whole:]])


def packed_rows(packed: Packed) -> Callable[[int, np.random.Generator], dict[str, Any]]:
    """Rows of a decoder's stream."""
    return lambda place, _: {
        "input_ids": packed.input_ids[place],
        "labels": packed.labels[place],
        "position_ids": packed.position_ids[place],
    }


def pair_rows(
    documents: Sequence[Sequence[Sequence[int]]], *, length: int, share: float, marks: Marks
) -> Callable[[int, np.random.Generator], dict[str, Any]]:
    """Rows of an encoder's stream, masked anew each time."""
    return lambda place, rng: sentence_pair(documents, place, length=length, share=share, marks=marks, rng=rng).__dict__


def collate(rows: Sequence[dict[str, Any]], *, pad: int) -> dict[str, Any]:
    """A batch of tensors (rows, longest row); a mask only where rows are padded here."""
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    batch: dict[str, Any] = {}
    for name, fill in (("input_ids", pad), ("token_type_ids", 0), ("labels", IGNORED), ("position_ids", 0)):
        if name in rows[0]:
            table = np.full((len(rows), longest), fill, dtype=np.int64)
            for place, row in enumerate(rows):
                table[place, : len(row[name])] = row[name]
            batch[name] = torch.from_numpy(table)
    if "position_ids" not in batch:
        sizes = torch.tensor([len(row["input_ids"]) for row in rows])
        batch["attention_mask"] = (torch.arange(longest)[None, :] < sizes[:, None]).long()
    if "label" in rows[0]:
        batch["labels"] = torch.tensor([row["label"] for row in rows])
    if "next_sentence_label" in rows[0]:
        batch["next_sentence_label"] = torch.tensor([row["next_sentence_label"] for row in rows])
    return batch
