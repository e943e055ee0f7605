"""Scores texts by a reference model, for the perplexity of copy: any decoder of a Hugging Face folder, or a GGUF file."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.training.chats import beginning
from zhanggui.training.load import context, load

_BATCH = 16


def scorer(base: str) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """A function from texts to [n, 2]: negative log-likelihood in nats of all tokens of a text, and how many it has.

    Each text stands alone behind the token that begins (or, for models without one, ends) a text. `base` is what
    `load` opens. Raises TrainingError.
    """
    model, tokenizer = load(base)
    model.eval()
    first = beginning(tokenizer)
    limit = context(model)

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        ids = [[first, *tokenizer(text, add_special_tokens=False)["input_ids"]][:limit] for text in texts]
        found = np.zeros((len(ids), 2))
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for place in range(0, len(order), _BATCH):
            rows = order[place : place + _BATCH]
            found[rows] = _score(model, [ids[row] for row in rows], pad=tokenizer.pad_token_id)
        return found

    return score


def _score(model: Any, ids: list[list[int]], *, pad: int) -> NDArray[np.float64]:
    """(rows, 2) of one batch, padded on the right, where what is padded cannot be seen."""
    import torch

    width = max(2, *map(len, ids))
    given = torch.tensor([one + [pad] * (width - len(one)) for one in ids])
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids])
    with torch.inference_mode():
        logits = model(input_ids=given.to(model.device), attention_mask=mask.to(model.device)).logits[:, :-1]
        lost = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), given[:, 1:].to(logits.device), reduction="none"
        )
    real = mask[:, 1:].to(lost.device)
    return np.asarray(torch.stack([(lost * real).sum(1), real.sum(1)], dim=1).cpu().double())
