"""Labelled utterances as the layers of an encoder that stay read them, with the numbers of their tags and intents. Trains nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understand.tags import tag_names, tags_of
from zhanggui.errors import TrainingError

Progress = Callable[[str, int, int], None]
_ALSO = 0.25
"""F1 is best where a label holds from half of the F1 that can be reached (Lipton 2014), here taken as a half."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What the model puts out."""

    intents: tuple[str, ...]
    tags: tuple[str, ...]
    threshold: float
    """The share of probability from which a second intent holds."""

    @staticmethod
    def of(rows: Sequence[Labelled]) -> "Labels":
        """The intents and slots that these utterances have. Raises TrainingError where there is nothing to tell apart."""
        intents = tuple(sorted({intent for row in rows for intent in row.intents}))
        slots = sorted({slot.name for row in rows for slot in row.slots})
        if len(intents) < 2 and not slots:
            raise TrainingError("the utterances have one intent and no slot; there is nothing to learn")
        threshold = _ALSO * len(rows) / sum(len(row.intents) for row in rows)
        several = any(len(row.intents) > 1 for row in rows)
        return Labels(intents=intents, tags=tag_names(slots), threshold=threshold if several else 1.0)


@dataclass(frozen=True, kw_only=True)
class Read:
    """One utterance as the layers that stay have read it."""

    ids: Any
    """Of its tokens."""
    states: Any
    """Float16 [tokens, size]."""
    tags: tuple[int, ...]
    """Of each token; -1 of those that mark the beginning and the end."""
    intents: tuple[float, ...]


def read_states(
    base: Any,
    tokenizer: Any,
    rows: Sequence[Labelled],
    labels: Labels,
    *,
    max_tokens: int,
    progress: Progress,
) -> list[Read]:
    """Each utterance as `base` reads it; those of alike length together."""
    import torch

    number = {tag: place for place, tag in enumerate(labels.tags)}
    order = sorted(range(len(rows)), key=lambda row: len(rows[row].utterance.text))
    read: dict[int, Read] = {}
    for start in range(0, len(order), 64):
        places = order[start : start + 64]
        given = tokenizer(
            [rows[place].utterance.text for place in places],
            padding=True,
            truncation=True,
            max_length=max_tokens,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            states = base.read(given["input_ids"], given["attention_mask"]).half()
        for at, place in enumerate(places):
            length = int(given["attention_mask"][at].sum())
            special, offsets = (given[name][at].tolist() for name in ("special_tokens_mask", "offset_mapping"))
            inner = [token for token in range(length) if not special[token]]
            spans = [(slot.name, slot.start, slot.end) for slot in rows[place].slots]
            tags = [-1] * length
            for token, tag in zip(inner, tags_of([tuple(offsets[token]) for token in inner], spans), strict=True):
                tags[token] = number[tag]
            intents = tuple(float(intent in rows[place].intents) for intent in labels.intents)
            read[place] = Read(
                ids=given["input_ids"][at, :length].clone(), states=states[at, :length].clone(), tags=tuple(tags), intents=intents
            )  # fmt: skip
        progress("read", len(places), len(rows))
    return [read[place] for place in range(len(rows))]
