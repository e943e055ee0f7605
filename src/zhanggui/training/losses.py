"""The loss of answer tokens, and its optional terms: unlikelihood of repeated tokens, consistency of meaning with the condition.

Sums over answer tokens, so that they are weighed and divided as the sum of the cross entropy is. Knows logits and
segments; no model, no Trainer.
"""

from dataclasses import dataclass
from typing import Any

_SMOOTHING = 1e-3  # the `a` of Arora et al. 2017
_AT_ONCE = 2**21  # logits in float32 at a time: a few megabytes stay in a processor's cache
_ROOM = 1e-5  # keeps log(1 - p) finite, as in the authors' code


@dataclass(frozen=True, kw_only=True)
class Extra:
    """Both terms with their weights; `table` is of `meanings`, needed where consistency is above 0."""

    unlikelihood: float = 0.0
    consistency: float = 0.0
    table: Any = None

    @property
    def wanted(self) -> bool:
        """Whether any weight is above 0."""
        return self.unlikelihood > 0 or self.consistency > 0

    def __call__(self, logits: Any, labels: Any, segments: Any, conditions: Any, condition_segments: Any) -> Any:
        """The weighted sum of both, a scalar; shapes as below."""
        total = logits.new_zeros(())
        if self.unlikelihood > 0:
            total = total + self.unlikelihood * unlikelihood(logits, labels, segments)
        if self.consistency > 0:
            total = total + self.consistency * consistency(
                logits, segments, conditions, condition_segments, self.table.to(logits.device)
            )
        return total


def nats(logits: Any, wanted: Any) -> Any:
    """Sum of the cross entropy of `logits` (N, V) that foretell `wanted` (N,), a scalar in float32.

    A few rows at a time, in float32 whatever the logits are in: with a vocabulary of 150,000 a whole batch of float32
    logits, their softmax and its gradient take a third of a training step, and most of the memory.
    """
    import torch

    rows = max(1, _AT_ONCE // logits.shape[1])

    class Nats(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, logits: Any, wanted: Any) -> Any:
            sums, right = [], []
            for some, ids in zip(logits.split(rows), wanted.split(rows), strict=True):
                some = some.float()
                sums.append(some.logsumexp(-1))
                right.append(some.gather(1, ids[:, None])[:, 0])
            norm = torch.cat(sums)
            ctx.save_for_backward(logits, wanted, norm)
            return (norm - torch.cat(right)).sum()

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            logits, wanted, norm = ctx.saved_tensors
            gradient = torch.empty_like(logits)
            parts = (one.split(rows) for one in (logits, wanted, norm, gradient))
            for some, ids, log_sum, out in zip(*parts, strict=True):
                share = (some.float() - log_sum[:, None]).exp_()
                share.scatter_add_(1, ids[:, None], share.new_full((len(ids), 1), -1.0))
                out.copy_(share.mul_(slope))
            return gradient, None

    return Nats.apply(logits, wanted)


def unlikelihood(logits: Any, labels: Any, segments: Any) -> Any:
    """Token-level unlikelihood of repetition (Welleck et al. 2020, eq. 4): sum of -log(1 - p(c)) over each answer token
    and each distinct earlier token c of its answer that is not the one wanted now.

    `logits` (N, V) foretell `labels` (N,): the answer tokens of a batch, one answer after the other. `segments` (N,)
    numbers the answers, and never falls. Works on (answers, longest, longest), not on (N, N, V).
    """
    import torch

    if not len(labels):
        return logits.sum()
    _, sizes = torch.unique_consecutive(segments, return_counts=True)
    longest = int(sizes.max())
    step = torch.arange(longest, device=labels.device)
    there = step[None, :] < sizes[:, None]
    # (answers, longest): the row of each token of each answer; 0 where an answer has ended.
    rows = ((sizes.cumsum(0) - sizes)[:, None] + step[None, :]) * there
    tokens = labels[rows]
    same = tokens[:, :, None] == tokens[:, None, :]
    earlier = step[:, None] > step[None, :]  # [now, then]
    new = ~(same & earlier).any(-1) & there  # the first time that a token is said
    candidate = earlier & ~same & new[:, None, :] & there[:, :, None]
    logits = logits.float()
    log_p = logits[rows[:, :, None], tokens[:, None, :]] - logits.logsumexp(-1)[rows][:, :, None]
    missed = torch.log1p(-log_p.exp().clamp(max=1 - _ROOM))
    return -missed.masked_fill(~candidate, 0.0).sum()


def consistency(logits: Any, segments: Any, conditions: Any, condition_segments: Any, table: Any) -> Any:
    """One minus the cosine between the mean meaning of an answer, as the model expects it, and that of its condition;
    sum over answers, each times its tokens.

    A token's expected meaning is the softmax-weighted mean of `table`'s rows (Hu et al. 2017, "Toward controlled
    generation of text"); a text's is their mean. `logits` (N, V), `segments` (N,) as in `unlikelihood`; `conditions`
    (C,) are token ids and `condition_segments` (C,) say whose; `table` (V, d) is of `meanings`. Answers without a
    condition count 0.
    """
    import torch

    table = table.detach().float()
    _, owner, sizes = torch.unique_consecutive(segments, return_inverse=True, return_counts=True)
    said = table.new_zeros(len(sizes), table.shape[1]).index_add(0, owner, logits.float().softmax(-1) @ table)
    numbers = segments.new_full((len(sizes),), 0).scatter(0, owner, segments)
    belongs = (condition_segments[None, :] == numbers[:, None]).to(table.dtype)
    asked = belongs @ table[conditions]
    cosine = torch.nn.functional.cosine_similarity(said, asked, dim=-1, eps=1e-8)
    return ((1 - cosine) * sizes * (belongs.sum(-1) > 0)).sum()


def meanings(embeddings: Any, counts: Any) -> Any:
    """The table of `consistency`, (V, d): centred embeddings, each weighted by a / (a + p) of its token's share p.

    Smooth inverse frequency (Arora et al. 2017): what stands in every condition, such as the names of its fields,
    means little. The common direction is taken out as the mean (Mu and Viswanath 2018). `embeddings` (V, d) are the
    model's own, frozen here; `counts` (V,) are of the training conditions and answers.
    """
    held = embeddings.detach().float()
    share = counts.to(held.device).float() / counts.sum().clamp(min=1)
    return (held - held.mean(0)) * (_SMOOTHING / (_SMOOTHING + share))[:, None]
