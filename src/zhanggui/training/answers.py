"""Prompts with answers as batches, and the logits of the answers alone. Does not know what they are about.

Rows are padded on the right and need no mask: causal attention never looks there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from zhanggui.errors import TrainingError
from zhanggui.training.chats import end_of_turn, written
from zhanggui.training.losses import Extra, nats
from zhanggui.training.packing import IGNORED, Ints
from zhanggui.training.rows import Pair
from zhanggui.training.streams import padded

_STEP = 16
"""On processors kernels are made for each shape and kept: with a shape a batch, gigabytes of them."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A prompt and its answer; arrays are (tokens,)."""

    input_ids: Ints
    labels: Ints
    """The ids of the answer, IGNORED for the prompt."""
    cut: bool = False
    """Whether the answer is cut, so that its end is not learned from it."""


def tokenize(pairs: Sequence[Pair], tokenizer: Any, *, longest: int) -> list[Answered]:
    """The pairs in the tokenizer's chat template, the sign that ends a turn included; cut at `longest` tokens.

    Raises TrainingError when a prompt leaves no room for its answer.
    """
    end = tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))
    heads, tails = [], []
    for one in pairs:
        head = written(tokenizer, one.prompt, asking=True)
        answered = [*one.prompt, {"role": "assistant", "content": one.answer}]
        whole = written(tokenizer, answered, asking=False)
        # Some templates write a past answer otherwise than one to come: then the answer and its end stand by themselves.
        tail = whole.removeprefix(head).rstrip() if whole.startswith(head) else one.answer + end
        heads.append(head)
        tails.append(tail)
    asked = tokenizer(heads, add_special_tokens=False)["input_ids"]
    said = tokenizer(tails, add_special_tokens=False)["input_ids"]
    made = []
    for pair, head, tail in zip(pairs, asked, said, strict=True):
        if len(head) >= longest:
            raise TrainingError(
                f"a prompt of {len(head)} tokens leaves no room for its answer, {longest} is the most (max_tokens, or what the "
                f"base reads): {pair.prompt[-1]['content'][:60]!r}"
            )
        ids = np.array([*head, *tail][:longest], dtype=np.int64)
        labels = ids.copy()
        labels[: len(head)] = IGNORED
        made.append(Answered(input_ids=ids, labels=labels, cut=len(head) + len(tail) > longest))
    return made


def collate(rows: Sequence[dict[str, Any]], *, pad: int, limit: int) -> dict[str, Any]:
    """A batch of tensors, each (rows, longest row): in steps of `_STEP` tokens, up to `limit`."""
    return padded(rows, pad=pad, step=_STEP, limit=limit)


def answer_logits(model: Any, batch: dict[str, Any]) -> tuple[Any, Any]:
    """Logits (answer tokens of the batch, vocabulary) and the ids that they should foretell (answer tokens,).

    The head, a third of the work of a small model with a large vocabulary, runs from the first answer's start on only.
    """
    import torch

    labels = batch["labels"]
    first = max(1, int((labels != IGNORED).any(0).nonzero()[0]) // _STEP * _STEP)
    columns = torch.arange(first - 1, labels.shape[1] - 1, device=labels.device)
    logits = model(input_ids=batch["input_ids"], logits_to_keep=columns, use_cache=False).logits
    wanted = labels[:, first:]
    chosen = wanted != IGNORED
    return logits[chosen], wanted[chosen]


@contextmanager
def as_autocast(model: Any) -> Iterator[None]:
    """While open, adapters compute in the precision of autocast: PEFT would turn every input into float32 and back."""
    from peft.helpers import disable_input_dtype_casting

    with disable_input_dtype_casting(model):
        yield


def answer_trainer(extra: Extra) -> Any:
    """A Trainer whose loss counts answer tokens only; a class of a function, since transformers loads late."""
    import torch
    from transformers import Trainer

    class AnswerTrainer(Trainer):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.model_accepts_loss_kwargs = True  # the Trainer counts the tokens of an update over all its batches

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            logits, wanted = answer_logits(model, inputs)
            loss = nats(logits, wanted)
            if extra.wanted:
                ids, answer = inputs["input_ids"], inputs["labels"] != IGNORED
                asked = answer.cumsum(1) == 0
                numbers = torch.arange(len(ids), device=ids.device)[:, None].expand_as(ids)
                loss = loss + extra(logits, wanted, numbers[answer], ids[asked], numbers[asked])
            if num_items_in_batch is None:
                loss = loss / len(wanted)
            else:
                # Gradients of processes are averaged, and each has a share of the update's tokens.
                loss = loss * self.accelerator.num_processes / num_items_in_batch
            return (loss, {}) if return_outputs else loss

    return AnswerTrainer
