"""Fine-tunes an encoder to classify texts: full or LoRA, rows of alike length together, measured with intervals.

The Trainer of Hugging Face and PEFT do the work. Does not know what the classes are about.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import TrainingError
from zhanggui.evaluation.classification import Classified, classified
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import curves, held_out, job, kept
from zhanggui.training.corpora import labelled
from zhanggui.training.licences import stated
from zhanggui.training.load import adapters, check_folder, fits
from zhanggui.training.settings import ClassifySettings
from zhanggui.training.streams import Stream, alike, collate


def classify(
    settings: ClassifySettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact | None:
    """Train and keep the classifier as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A stopped job goes on from its last whole checkpoint when it is started again. Of several processes the first
    returns the artifact, the others None. Raises TrainingError when the data, the base or the settings are unusable,
    or the job was stopped.
    """
    from transformers import Trainer, TrainingArguments, set_seed

    args = TrainingArguments(**job.arguments(settings, work), **job.STREAMED)
    with args.main_process_first(local=False):
        data = labelled(folder / settings.data, settings.columns, work=work)
    classes = sorted({label for _, label in data.parts["train"]})
    labels = [settings.names.get(one, one) for one in classes]
    if len(set(labels)) < len(labels):
        raise TrainingError(f"two labels are called {max(labels, key=labels.count)!r}: [names]")
    set_seed(settings.seed)
    base = kept.weights(settings.base, folder=folder, artifacts=artifacts)
    model, tokenizer = _model(base, labels, settings)
    ids = {
        part: tokenizer([text for text, _ in found], truncation=True, max_length=settings.max_tokens)["input_ids"]
        for part, found in data.parts.items()
    }
    truth = {part: [classes.index(label) for _, label in found] for part, found in data.parts.items()}
    stream = _stream(ids["train"], truth["train"], settings)
    updates = math.ceil(settings.epochs * stream.epoch / settings.batch_size)
    args.max_steps, args.warmup_steps = updates, round(settings.warmup * updates)
    job.begin(args, settings, data_hash=data.hash, base=base)
    trainer = held_out.measured(Trainer)(
        model=model,
        args=args,
        train_dataset=replace(stream, length=updates * settings.batch_size),
        eval_dataset=held_out.stream(_stream(ids["validation"], truth["validation"], settings)),
        data_collator=lambda rows: collate(rows, pad=tokenizer.pad_token_id, limit=settings.max_tokens),
        compute_loss_func=_loss,
    )
    job.run(trainer, work, minutes=settings.minutes, relief=job.SMALLER_ROWS)
    if not job.first():
        return None
    if settings.method == "lora":
        model = model.merge_and_unload()
    measured = {
        part: classified(
            _probabilities(model, ids[part], pad=tokenizer.pad_token_id, limit=settings.max_tokens), truth[part], labels
        )
        for part in ("validation", "test")
    }
    config = asdict(settings) | {
        "kind": "encoder",
        "base": base,
        "base_licence": stated(base),
        "labels": labels,
    }
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=data.hash) as draft:
        model.save_pretrained(draft.path / "model")
        tokenizer.save_pretrained(draft.path / "model")
        curves.keep(trainer.state.log_history, draft.path, title=f"{settings.name} {version}")
        (draft.path / "report.md").write_text(_page(measured), encoding="utf-8")
        draft.metrics.update({part: one.figures() for part, one in measured.items()})
        draft.metrics.update(
            **held_out.kept(trainer),
            parameters=sum(one.numel() for one in model.parameters()),
            train_texts=len(ids["train"]),
            unlabelled=data.unlabelled,
        )
    job.clear(work)
    return artifacts.get(settings.name, version)


def _stream(ids: Sequence[Sequence[int]], truth: Sequence[int], settings: ClassifySettings) -> Stream:
    """Batches of texts of alike length, in another order each epoch; of length 0."""
    rows = [{"input_ids": one, "label": label} for one, label in zip(ids, truth, strict=True)]
    return alike(rows, [len(one) for one in ids], seed=settings.seed, batch=settings.batch_size)


def _model(base: str, labels: Sequence[str], settings: ClassifySettings) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    check_folder(base)
    try:
        shape = AutoConfig.from_pretrained(base)
        tokenizer = AutoTokenizer.from_pretrained(base)
        shape.num_labels = len(labels)
        shape.id2label = dict(enumerate(labels))
        shape.label2id = {label: place for place, label in enumerate(labels)}
        shape.problem_type = "single_label_classification"
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
            if hasattr(shape, name):
                setattr(shape, name, settings.dropout)
        model = AutoModelForSequenceClassification.from_pretrained(
            base, config=shape, dtype=torch.float32, attn_implementation=job.encoder_attention()
        )
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"the base {base} cannot be opened: {error}; name an artifact, a folder that holds a config.json, "
            "or a model of the hub"
        ) from error
    fits(settings.max_tokens, model, base)
    tokenizer.model_max_length = settings.max_tokens
    if settings.method == "lora":
        from peft import get_peft_model

        model = get_peft_model(model, adapters(settings.lora, task="SEQ_CLS"))
    return model, tokenizer


def _loss(outputs: Any, labels: Any, num_items_in_batch: Any) -> Any:
    """Cross entropy, summed over what this step has and divided by the texts of the whole update; None: of the batch."""
    import torch

    total = torch.nn.functional.cross_entropy(outputs.logits.float(), labels, reduction="sum")
    return total / (len(labels) if num_items_in_batch is None else num_items_in_batch)


def _probabilities(
    model: Any, ids: Sequence[Sequence[int]], *, pad: int, limit: int, batch: int = 64
) -> NDArray[np.float32]:
    """Float32 [texts, classes], computed in float32."""
    import torch

    model.eval()
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    found = np.empty((len(ids), model.config.num_labels), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            given = collate([{"input_ids": ids[place]} for place in places], pad=pad, limit=limit)
            logits = model(**{name: value.to(model.device) for name, value in given.items()}).logits
            found[places] = logits.float().softmax(-1).cpu().numpy()
    return found


def _page(measured: dict[str, Classified]) -> str:
    return "\n".join(["# How it classifies", "", *(one.page(part) for part, one in measured.items())])
