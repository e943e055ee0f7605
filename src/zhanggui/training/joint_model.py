"""Heads on a frozen encoder: intents of the whole utterance, and tags of its tokens under a linear-chain CRF.

They read the states of four of its layers, each value standardised. Knows no data and no optimiser.
Formulas: Lafferty 2001; the forward recursion in logarithms.
"""

from typing import Any

import torch
from torch import Tensor, nn

TAPS = 4
"""Layers that are read: the embeddings, the last one, and two at equal steps between."""
_WIDTH = 256


class Frozen(nn.Module):  # type: ignore[misc]
    """The encoder, whose weights stay: ids and mask to states [batch, tokens, TAPS x size]."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        layers = encoder.config.num_hidden_layers
        self.taps = [round(layers * tap / (TAPS - 1)) for tap in range(TAPS)]
        self.size = TAPS * encoder.config.hidden_size

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The states of the tapped layers, side by side."""
        states = self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.cat([states[tap] for tap in self.taps], dim=-1)


class Heads(nn.Module):  # type: ignore[misc]
    """What is learned. `center` and `spread` are those of the states of the training tokens."""

    def __init__(self, size: int, *, intents: int, tags: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.dropout = nn.Dropout(dropout)
        self.whole, self.intent = nn.Linear(2 * size, _WIDTH), nn.Linear(_WIDTH, intents)
        self.each, self.tag = nn.Linear(size, _WIDTH), nn.Linear(_WIDTH, tags)
        self.beside = nn.ModuleList([nn.Conv1d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(2)])
        self.start, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
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
        return self.intent(self.dropout(whole)), self.tag(self.dropout(each))

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
    """The frozen encoder with its heads, as it is served."""

    def __init__(self, frozen: Frozen, heads: Heads) -> None:
        super().__init__()
        self.frozen, self.heads = frozen, heads

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the intents and scores of the tags."""
        labels, tags = self.heads(self.frozen(ids, mask), mask)
        return labels, tags
