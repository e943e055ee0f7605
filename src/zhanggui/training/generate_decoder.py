"""Answers pairs with a decoder's Hugging Face weights through transformers: many texts at once, on a GPU where there is one.

What `generate` is for models that llama.cpp serves, several times as fast for thousands of rows. Does not know where the
pairs come from.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from zhanggui.evaluation.consensus import consensus
from zhanggui.llm.model import Sampling
from zhanggui.training.chats import written
from zhanggui.training.rows import Pair

_TEXTS = 128
"""At once: reading the weights for each token, which takes most of the time, is shared by so many."""


def generate(
    model: Any, tokenizer: Any, pairs: Sequence[Pair], *, candidates: int, sampling: Sampling
) -> Iterator[str]:
    """One text a pair, in order: of several candidates the one that agrees most with the others; greedy at temperature 0.

    `model` and `tokenizer` as `kept.opened` gives them.
    """
    import torch

    model.eval()
    # A head is given one token of each text, cut out of a longer array: laid out anew, it is one matrix product.
    model.get_output_embeddings().register_forward_pre_hook(lambda _head, given: (given[0].contiguous(), *given[1:]))
    if sampling.temperature > 0:
        options: dict[str, Any] = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p}
    else:
        options, candidates = {"do_sample": False, "temperature": None, "top_p": None}, 1
    options |= {"top_k": None, "repetition_penalty": 1.0, "pad_token_id": tokenizer.pad_token_id}
    options |= {"max_new_tokens": sampling.max_tokens, "num_return_sequences": candidates}
    rows = max(1, _TEXTS // candidates)
    for start in range(0, len(pairs), rows):
        prompts = [written(tokenizer, one.prompt, asking=True) for one in pairs[start : start + rows]]
        given = tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        given = {name: given[name].to(model.device) for name in ("input_ids", "attention_mask")}
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed + start)
        with torch.inference_mode():
            out = model.generate(**given, **options)
        said = tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        for place in range(0, len(said), candidates):
            found = [one.strip() for one in said[place : place + candidates]]
            yield found[consensus(found)]
