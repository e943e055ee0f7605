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

    @property
    def epoch(self) -> int:
        """Rows of an epoch: with `sizes`, whole batches, the last of them filled up with rows that come twice."""
        return self.count if self.sizes is None else -(-self.count // self.batch) * self.batch

    def __getitem__(self, number: int) -> dict[str, Any]:
        if not 0 <= number < self.length:
            raise IndexError(number)
        epoch, place = divmod(number, self.epoch)
        if self._order[0] != epoch:
            self._order = (epoch, self._shuffled(epoch))
        return self.row(int(self._order[1][place]), np.random.default_rng((self.seed, 1, number)))

    def _shuffled(self, epoch: int) -> Ints:
        rng = np.random.default_rng((self.seed, 0, epoch))
        order = rng.permutation(self.count)
        if self.sizes is None:
            return order
        sizes = np.asarray(self.sizes)
        window = self.batch * 50
        pieces = [order[start : start + window] for start in range(0, self.count, window)]
        order = np.concatenate([piece[np.argsort(sizes[piece], kind="stable")] for piece in pieces])
        # Whole batches only, or those of the next epoch would be out of step with the trainer's.
        batches = np.resize(order, self.epoch).reshape(-1, self.batch)
        return rng.permutation(batches).ravel()


def alike(rows: Sequence[dict[str, Any]], sizes: Sequence[int], *, seed: int, batch: int) -> Stream:
    """Batches of rows of alike size, in another order each epoch; of length 0."""
    return Stream(row=lambda place, _: rows[place], count=len(rows), length=0, seed=seed, sizes=sizes, batch=batch)


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


def padded(rows: Sequence[dict[str, Any]], *, pad: int, step: int, limit: int) -> dict[str, Any]:
    """Tensors (rows, tokens) of what the rows have a number a token of, padded on the right.

    Tokens are the longest row's, in steps of `step` up to `limit`: kernels are made anew for each shape.
    """
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    width = min(-(-longest // step) * step, limit)
    batch: dict[str, Any] = {}
    for name, fill in (("input_ids", pad), ("token_type_ids", 0), ("labels", IGNORED), ("position_ids", 0)):
        if name in rows[0]:
            table = np.full((len(rows), width), fill, dtype=np.int64)
            for place, row in enumerate(rows):
                table[place, : len(row[name])] = row[name]
            batch[name] = torch.from_numpy(table)
    return batch


def collate(rows: Sequence[dict[str, Any]], *, pad: int, limit: int) -> dict[str, Any]:
    """A batch of tensors (rows, tokens), as `padded` makes them in steps of eight; a mask only where rows are padded here."""
    import torch

    batch = padded(rows, pad=pad, step=8, limit=limit)
    if "position_ids" not in batch:
        sizes = torch.tensor([len(row["input_ids"]) for row in rows])
        batch["attention_mask"] = (torch.arange(batch["input_ids"].shape[1])[None, :] < sizes[:, None]).long()
    if "label" in rows[0]:
        batch["labels"] = torch.tensor([row["label"] for row in rows])
    if "next_sentence_label" in rows[0]:
        batch["next_sentence_label"] = torch.tensor([row["next_sentence_label"] for row in rows])
    return batch
