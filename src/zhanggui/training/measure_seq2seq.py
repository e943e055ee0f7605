"""What an encoder-decoder can do before and after, in the figures of `measure`.

"Perplexity of general texts" is of restoring hidden parts of them, in the way that the base was pretrained: what stands
behind T5's sentinels, or the whole text of one with BART's mask. Knows no training.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from zhanggui.training.measure import SAMPLES, Measured, general_texts, some, summary
from zhanggui.training.rows import Pair

_SPAN, _EVERY = 3, 18  # spans of three (Raffel et al. 2020), a sixth of the tokens at a time
Row = tuple[list[int], list[int]]
"""(source, target) token ids, both ended."""


def measure(model: Any, tokenizer: Any, held: Sequence[Pair], *, max_tokens: int) -> Measured:
    """Measure an encoder-decoder on held-out pairs, `MOST` at most; answers are greedy, so that two runs agree."""
    import torch

    held = some(held)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        loss = _loss(model, tokenizer, [row(tokenizer, one, max_tokens=max_tokens) for one in held])
        general = _loss(model, tokenizer, [one for text in general_texts(held) for one in hidden(tokenizer, text)])
        said = answers(model, tokenizer, held[:SAMPLES], max_tokens=max_tokens)
    model.train(was_training)
    return summary(held, said, loss=loss, general=general)


def row(tokenizer: Any, pair: Pair, *, max_tokens: int) -> Row:
    """A pair as ids: the turns of its prompt, one below the other, and its answer, each at most `max_tokens` long."""
    text = "\n".join(turn["content"] for turn in pair.prompt)
    source = tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
    target = tokenizer(text_target=pair.answer, truncation=True, max_length=max_tokens)["input_ids"]
    return source, ended(tokenizer, target)


def ended(tokenizer: Any, ids: list[int]) -> list[int]:
    """Token ids with the end that tells generation to stop; most tokenizers of encoder-decoders write it themselves."""
    # The last but one of mBART's: a language's code follows.
    return ids if end(tokenizer) in ids[-2:] else [*ids, end(tokenizer)]


def end(tokenizer: Any) -> int:
    """The token that ends a text; BERT-like tokenizers, as Chinese BARTs have, call it the separator."""
    return int(tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id)


def hidden(tokenizer: Any, text: str) -> Iterator[Row]:
    """Rows that together hide each token of a text once.

    With sentinels as T5 (`<extra_id_0>`: the target is what was hidden), with a mask as BART (the target is the whole
    text), and with neither its second half is to follow from its first.
    """
    whole = ended(tokenizer, tokenizer(text_target=text)["input_ids"])
    ids = tokenizer(text)["input_ids"]
    special = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
    words = [place for place, one in enumerate(special) if not one]
    sentinels = [tokenizer.convert_tokens_to_ids(f"<extra_id_{one}>") for one in range(len(words) // _EVERY + 2)]
    named = None not in sentinels and tokenizer.unk_token_id not in sentinels
    if not named and tokenizer.mask_token_id is None:
        half = len(words) // 2
        yield [ids[one] for one in words[:half]], ended(tokenizer, [ids[one] for one in words[half:]])
        return
    for first in range(0, min(_EVERY, len(words)), _SPAN):
        source, target, spans = [], [], 0
        gone = {
            words[one]
            for start in range(first, len(words), _EVERY)
            for one in range(start, min(start + _SPAN, len(words)))
        }
        for place, token in enumerate(ids):
            if place not in gone:
                source.append(token)
                continue
            if place - 1 not in gone:
                source.append(sentinels[spans] if named else tokenizer.mask_token_id)
                target.append(source[-1])
                spans += 1
            target.append(token)
        yield source, ended(tokenizer, [*target, sentinels[spans]]) if named else whole


def _loss(model: Any, tokenizer: Any, rows: Sequence[Row]) -> float:
    """Mean loss a token of the targets, batches of alike length."""
    import torch
    from transformers import DataCollatorForSeq2Seq

    collate = DataCollatorForSeq2Seq(tokenizer, model=model)
    given = sorted(rows, key=lambda one: (len(one[0]), len(one[1])))
    total, count = 0.0, 0
    for start in range(0, len(given), 8):
        batch = collate([{"input_ids": a, "labels": b} for a, b in given[start : start + 8]]).to(model.device)
        labels = batch.pop("labels").flatten()
        logits = model(**batch).logits.float().flatten(0, 1)
        total += float(torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum"))
        count += int((labels != -100).sum())
    return total / max(1, count)


def answers(model: Any, tokenizer: Any, pairs: Sequence[Pair], *, max_tokens: int, **options: Any) -> list[str]:
    """What the model says to the prompts, in order, greedily; `options` are of GenerationConfig and go before that."""
    import torch
    from transformers import DataCollatorForSeq2Seq, GenerationConfig

    collate = DataCollatorForSeq2Seq(tokenizer, model=model)
    rows = [row(tokenizer, one, max_tokens=max_tokens) for one in pairs]
    batch = collate([{"input_ids": a, "labels": b} for a, b in rows]).to(model.device)
    # What the model was made for elsewhere (beams, least lengths) must not colour the figures.
    plain = {
        "max_new_tokens": 64,
        "min_length": 0,
        "num_beams": 1,
        "do_sample": False,
        "no_repeat_ngram_size": 0,
        "eos_token_id": end(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        # As in training: a pad for T5, an end for BART, a language's code for mBART.
        "decoder_start_token_id": int(batch["decoder_input_ids"][0, 0]),
    }
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    out = model.generate(**given, generation_config=GenerationConfig(**plain | options))
    assert isinstance(out, torch.Tensor)
    return [one.strip() for one in tokenizer.batch_decode(out, skip_special_tokens=True)]
