"""An encoder with two heads: intents of the whole utterance, and tags of its tokens under a linear-chain CRF.

Knows no data and no optimiser. Formulas: Lafferty 2001; the forward recursion in logarithms.
"""

from typing import Any

import torch
from torch import Tensor, nn


class JointModel(nn.Module):  # type: ignore[misc]
    """`encoder` puts out `last_hidden_state`; intents are read from the mean over tokens, tags from each token."""

    def __init__(self, encoder: Any, *, intents: int, tags: int, dropout: float = 0.1) -> None:
        super().__init__()
        size = encoder.config.hidden_size
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        self.inner = nn.Linear(size, size)
        self.intent, self.tag = nn.Linear(size, intents), nn.Linear(size, tags)
        self.start, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the intents [batch, intents], and scores of the tags [batch, tokens, tags]."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weight).sum(1) / weight.sum(1).clamp(min=1)
        whole = self.dropout(torch.tanh(self.inner(self.dropout(mean))))
        return self.intent(whole), self.tag(self.dropout(states))

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
