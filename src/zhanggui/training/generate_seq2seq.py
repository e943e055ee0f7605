"""Answers pairs with a kept encoder-decoder (T5, BART), by batches, through transformers: greedy, by beams, or sampled.

What `generate` is for models that llama.cpp serves. Does not know where the pairs come from.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.evaluation.consensus import consensus
from zhanggui.llm.model import Sampling
from zhanggui.training.measure_seq2seq import answers
from zhanggui.training.rows import Pair

_BATCH = 16


def generate(
    folder: Path, pairs: Sequence[Pair], *, candidates: int, beams: int, sampling: Sampling, max_tokens: int
) -> Iterator[str]:
    """One text a pair, in order: of several candidates the one that agrees most with the others.

    At temperature 0 the candidates are the likeliest that as many beams find. `folder` holds the model, which is opened
    at once; prompts are cut at `max_tokens`, as in training. Raises TrainingError.
    """
    import torch

    from zhanggui.training.seq2seq import load

    if beams > 1 and sampling.temperature > 0:
        raise TrainingError("beams find the likeliest texts, and a temperature samples others; choose one of the two")
    model, tokenizer = load(str(folder))
    model.eval()
    drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    options: dict[str, Any] = drawn if sampling.temperature > 0 else {"num_beams": max(beams, candidates)}
    options |= {"max_new_tokens": sampling.max_tokens, "num_return_sequences": candidates}

    def texts() -> Iterator[str]:
        for start in range(0, len(pairs), _BATCH):
            if sampling.seed is not None:
                torch.manual_seed(sampling.seed + start)
            with torch.inference_mode():
                said = answers(model, tokenizer, pairs[start : start + _BATCH], max_tokens=max_tokens, **options)
            for place in range(0, len(said), candidates):
                found = said[place : place + candidates]
                yield found[consensus(found)]

    return texts()
