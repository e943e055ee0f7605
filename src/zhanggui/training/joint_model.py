"""Heads on an encoder: intents of the whole utterance, and tags of its tokens under a linear-chain CRF.

They read the states of four of its layers, each value standardised, and beside these the n-grams of tokens, as a linear
model does ("wide and deep", Cheng 2016). Formulas of the CRF: Lafferty 2001. Knows no data and no optimiser.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

TAPS = 4
"""Layers that are read: the embeddings, the last one, and two at equal steps between."""
_WIDTH = 256
_BUCKETS = 2**16
_REACH = 2
_FOLLOWING = ((0,), (0, 1), (0, 1, 2))
_AROUND = ((0,), (-1,), (1,), (-2,), (2,), (-1, 0), (0, 1), (-2, -1), (1, 2), (-1, 0, 1))
"""The tokens of an n-gram, seen from where it counts."""


class Base(nn.Module):  # type: ignore[misc]
    """An encoder of BERT's kind: what stays reads each utterance once; the last third of the layers is above it where it learns."""

    def __init__(self, encoder: Any, *, learns: bool) -> None:
        super().__init__()
        layers = encoder.encoder.layer
        taps = [round(len(layers) * tap / (TAPS - 1)) for tap in range(TAPS)]
        self.taps = taps[:-1] if learns else taps
        self.upper = layers[self.taps[-1] :]
        encoder.encoder.layer = layers[: self.taps[-1]]
        self.lower = encoder.requires_grad_(False)
        self.hidden = encoder.config.hidden_size

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The states of the tapped layers that stay, side by side."""
        states = self.lower(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.cat([states[tap] for tap in self.taps], dim=-1)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states` as they were read, with those of the last layer [batch, tokens, TAPS x hidden]."""
        if len(self.taps) == TAPS:
            return states
        last = states[..., -self.hidden :]
        unseen = (mask[:, None, None, :] - 1) * 1e9
        for layer in self.upper:
            last = layer(last, unseen)
        return torch.cat([states, last], dim=-1)


class NGrams(nn.Module):  # type: ignore[misc]
    """A weight of each n-gram for each output, zero at first; n-grams share weights where their hashes meet."""

    def __init__(self, windows: Sequence[Sequence[int]], outputs: int) -> None:
        super().__init__()
        self.windows = windows
        self.weights = nn.Embedding(_BUCKETS, outputs, sparse=True)
        nn.init.zeros_(self.weights.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The sum of the weights of the n-grams at each token [batch, tokens, outputs]."""
        padded = nn.functional.pad((ids + 1) * mask, (_REACH, _REACH))
        places = [self._places(padded, number, window) for number, window in enumerate(self.windows)]
        return self.weights(torch.stack(places, dim=-1)).sum(2)

    @staticmethod
    def _places(padded: Tensor, number: int, window: Sequence[int]) -> Tensor:
        hashed = torch.full_like(padded[:, 2 * _REACH :], number)
        for offset in window:
            hashed = (hashed * 31_337 + padded[:, _REACH + offset : (offset - _REACH) or None]) % (2**31 - 1)
        return hashed % _BUCKETS


class Heads(nn.Module):  # type: ignore[misc]
    """What is learned. `center` and `spread` are those of the states of the training tokens."""

    def __init__(self, hidden: int, *, intents: int, tags: int, dropout: float) -> None:
        super().__init__()
        size = TAPS * hidden
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.dropout = nn.Dropout(dropout)
        self.whole, self.intent = nn.Linear(2 * size, _WIDTH), nn.Linear(_WIDTH, intents)
        self.each, self.tag = nn.Linear(size, _WIDTH), nn.Linear(_WIDTH, tags)
        self.said, self.around = NGrams(_FOLLOWING, intents), NGrams(_AROUND, tags)
        self.beside = nn.ModuleList([nn.Conv1d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(2)])
        self.start, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))

    def forward(self, ids: Tensor, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the intents [batch, intents], and scores of the tags [batch, tokens, tags]."""
        there = mask.unsqueeze(-1).to(states.dtype)
        states = (states - self.center) / self.spread * there
        mean = states.sum(1) / there.sum(1).clamp(min=1)
        most = (states - 1e4 * (1 - there)).amax(1)
        whole = nn.functional.gelu(self.whole(self.dropout(torch.cat([mean, most], dim=-1))))
        each = nn.functional.gelu(self.each(self.dropout(states)))
        for layer in self.beside:
            mixed = layer((each * there).transpose(1, 2)).transpose(1, 2)
            each = each + nn.functional.gelu(self.dropout(mixed))
        said = (self.said(ids, mask) * there).sum(1) / (len(_FOLLOWING) * there.sum(1).clamp(min=1)).sqrt()
        return self.intent(self.dropout(whole)) + said, self.tag(self.dropout(each)) + self.around(ids, mask)

    def dense(self) -> list[nn.Parameter]:
        """The parameters that every utterance moves; those of n-grams are moved by the few that have them."""
        return [value for name, value in self.named_parameters() if "weights" not in name.split(".")]

    def sparse(self) -> list[nn.Parameter]:
        """The weights of n-grams."""
        return [self.said.weights.weight, self.around.weights.weight]

    def tag_loss(self, scores: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """-log p(tags) under the CRF, a token; `mask` is true on a row's first tokens, in one piece."""
        return (self._total(scores, mask) - self._of_path(scores, tags, mask)).sum() / mask.sum().clamp(min=1)

    def _of_path(self, scores: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        rows = torch.arange(len(tags))
        each = scores.gather(2, tags.unsqueeze(-1)).squeeze(-1) * mask
        steps = self.transitions[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]
        last = tags[rows, (mask.sum(1) - 1).clamp(min=0)]
        return self.start[tags[:, 0]] + each.sum(1) + steps.sum(1) + self.end[last]

    def _total(self, scores: Tensor, mask: Tensor) -> Tensor:
        alpha = self.start + scores[:, 0]
        for place in range(1, scores.shape[1]):
            ahead = torch.logsumexp(alpha.unsqueeze(2) + self.transitions, dim=1) + scores[:, place]
            alpha = torch.where(mask[:, place].unsqueeze(1), ahead, alpha)
        return torch.logsumexp(alpha + self.end, dim=1)


class JointModel(nn.Module):  # type: ignore[misc]
    """The encoder with its heads, as it is served."""

    def __init__(self, base: Base, heads: Heads) -> None:
        super().__init__()
        self.base, self.heads = base, heads

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the intents and scores of the tags."""
        return self.upon(ids, self.base.read(ids, mask), mask)

    def upon(self, ids: Tensor, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The same from states as the layers that stay have read them."""
        labels, tags = self.heads(ids, self.base(states, mask), mask)
        return labels, tags
