"""Fine-tunes a decoder on chats: full or LoRA, the loss on the answer only, forgetting and repetition measured.

transformers' Trainer and PEFT do the work. Does not know what the answers are about.
"""

import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import answers, curves, job, rows
from zhanggui.training.export import BASE_CONFIG, adapter_to_gguf
from zhanggui.training.load import load
from zhanggui.training.measure import Measured, measure
from zhanggui.training.settings import FinetuneSettings
from zhanggui.training.streams import Stream


def finetune(
    settings: FinetuneSettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact:
    """Train and keep the model as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A job that was killed goes on from its last checkpoint when it is started again with the same settings.
    Raises TrainingError when the data or the base is unusable, or the model lost more than the limits allow.
    """
    from transformers import TrainingArguments, set_seed

    pairs, data_hash = rows.read(folder / settings.data, settings.columns, system=settings.system, tidy=settings.clean)
    train, held = rows.split(pairs, validation=settings.validation, seed=settings.seed)
    if not train or not held:
        raise TrainingError(f"{len(pairs)} pairs are too few to train on and to hold some out")
    set_seed(settings.seed)
    base = (
        settings.base
        if settings.base == "default" or not (folder / settings.base).exists()
        else str(folder / settings.base)
    )
    device = job.device_options("auto")
    lora = settings.method == "lora"
    # Weights that stay as they are need no more than what is computed in.
    model, tokenizer = load(base, half=lora and device["bf16"])
    before = measure(model, tokenizer, held)
    examples = answers.tokenize(train, tokenizer, longest=settings.max_tokens)
    stream = example_stream(examples, settings)
    an_update = settings.batch_size * settings.accumulate
    updates = math.ceil(settings.epochs * stream.epoch / an_update)
    args = TrainingArguments(
        output_dir=str(work),
        max_steps=updates,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulate,
        learning_rate=settings.learning_rate,
        warmup_steps=max(1, round(settings.warmup * updates)),
        lr_scheduler_type="cosine",
        train_sampling_strategy="sequential",  # the stream has its own order
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        logging_steps=10,
        seed=settings.seed,
        report_to=[],
        remove_unused_columns=False,
        **device,
    )
    trainer = answers.answer_trainer()(
        model=adapted(model, settings) if lora else model,
        args=args,
        train_dataset=replace(stream, length=updates * an_update),
        data_collator=lambda rows: answers.collate(rows, pad=tokenizer.pad_token_id),
    )
    with answers.as_autocast(trainer.model) if lora and device["bf16"] else nullcontext():
        job.run(trainer, work)
    after = measure(trainer.model, tokenizer, held)
    problems = lost(before, after, settings)
    metrics = {
        "before": before.figures(),
        "after": after.figures(),
        "train_pairs": len(train),
        "validation_pairs": len(held),
        "updates": trainer.state.global_step,
    }
    (work / "samples.json").write_text(json.dumps(after.samples, ensure_ascii=False, indent=1), encoding="utf-8")
    if problems:
        raise TrainingError("; ".join(problems) + f"; the checkpoints are kept in {work}")
    config = json.loads(json.dumps(settings, default=lambda one: one.__dict__)) | {
        "kind": "adapter" if lora else "decoder",
        "base": base if base == settings.base else str(Path(base).resolve()),
        "prompt": "brief" if all(one.language for one in pairs) else "examples",
        "languages": sorted({one.language for one in pairs} - {""}),
    }
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=data_hash) as draft:
        trainer.model.save_pretrained(draft.path / "model")
        tokenizer.save_pretrained(draft.path / "model")
        if lora:
            model.config.to_json_file(draft.path / "model" / BASE_CONFIG)
            adapter_to_gguf(draft.path / "model", draft.path / "adapter.gguf")
        curves.keep(trainer.state.log_history, draft.path, title=f"{settings.name} {version}")
        (draft.path / "samples.json").write_text(
            json.dumps(after.samples, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        draft.metrics.update(metrics)
    return artifacts.get(settings.name, version)


def lost(before: Measured, after: Measured, settings: FinetuneSettings) -> list[str]:
    """What the model lost past the limits, in words; empty when it may be used."""
    found = []
    ratio = after.general_perplexity / before.general_perplexity
    if ratio > settings.limits.general_perplexity:
        found.append(
            f"the model has forgotten: perplexity of general texts rose {ratio:.2f}-fold, "
            f"{settings.limits.general_perplexity:g} is allowed (train less, or with a lower learning rate)"
        )
    if after.repetition_4 > settings.limits.repetition_4:
        found.append(
            f"the model repeats itself: {after.repetition_4:.1%} of 4-grams, {settings.limits.repetition_4:.1%} is allowed"
        )
    return found


def example_stream(examples: Sequence[answers.Answered], settings: FinetuneSettings) -> Stream:
    """Batches of rows of alike length, in another order each epoch; of length 0."""
    return Stream(
        row=answers.answered_rows(examples),
        count=len(examples),
        length=0,
        seed=settings.seed,
        sizes=[len(one.input_ids) for one in examples],
        batch=settings.batch_size,
    )


def adapted(model: Any, settings: FinetuneSettings) -> Any:
    """The model with adapters on every linear layer, the rest frozen."""
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        model,
        LoraConfig(
            r=settings.lora.rank,
            lora_alpha=settings.lora.alpha,
            lora_dropout=settings.lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
