"""Fine-tunes a decoder on chats: full or LoRA, the loss on the answer only, forgetting and repetition measured.

TRL and PEFT do the work. Does not know what the answers are about.
"""

import json
from datetime import datetime
from pathlib import Path

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import curves, job, rows, seq2seq
from zhanggui.training.export import BASE_CONFIG, adapter_to_gguf
from zhanggui.training.load import adapters, encoder_decoder, load, load_in_4_bits, located
from zhanggui.training.measure import measure
from zhanggui.training.settings import FinetuneSettings
from zhanggui.training.tuned import lost


def finetune(
    settings: FinetuneSettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact:
    """Train and keep the model as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A job that was killed goes on from its last checkpoint when it is started again with the same settings.
    Raises TrainingError when the data or the base is unusable, or the model lost more than the limits allow.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTConfig, SFTTrainer

    base = located(settings.base, folder)
    if encoder_decoder(base):
        return seq2seq.finetune(settings, folder=folder, artifacts=artifacts, work=work, now=now)
    pairs, data_hash = rows.read(folder / settings.data)
    train, held = rows.split(pairs, validation=settings.validation, seed=settings.seed)
    if not train or not held:
        raise TrainingError(f"{len(pairs)} pairs are too few to train on and to hold some out")
    set_seed(settings.seed)
    model, tokenizer = load_in_4_bits(base) if settings.method == "qlora" else load(base)
    before = measure(model, tokenizer, held)
    options = SFTConfig(
        output_dir=str(work),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulate,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,
        lr_scheduler_type="cosine",
        max_length=settings.max_tokens,
        completion_only_loss=True,
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        logging_steps=10,
        seed=settings.seed,
        data_seed=settings.seed,
        gradient_checkpointing=False,
        train_sampling_strategy="group_by_length",
        report_to=[],
        **job.device_options("auto"),
    )
    trainer = SFTTrainer(
        model=model,
        args=options,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows.chats(train)),
        peft_config=adapters(settings.lora) if settings.method != "full" else None,
    )
    job.run(trainer, work)
    after = measure(trainer.model, tokenizer, held)
    problems = lost(before, after, settings.limits)
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
        "kind": "adapter" if settings.method != "full" else "decoder",
        "base": base if base == settings.base else str(Path(base).resolve()),
        "prompt": "brief" if all(one.language for one in pairs) else "examples",
        "languages": sorted({one.language for one in pairs} - {""}),
    }
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=data_hash) as draft:
        trainer.model.save_pretrained(draft.path / "model")
        tokenizer.save_pretrained(draft.path / "model")
        if settings.method != "full":
            model.config.to_json_file(draft.path / "model" / BASE_CONFIG)
            adapter_to_gguf(draft.path / "model", draft.path / "adapter.gguf")
        curves.keep(trainer.state.log_history, draft.path, title=f"{settings.name} {version}")
        (draft.path / "samples.json").write_text(
            json.dumps(after.samples, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        draft.metrics.update(metrics)
    return artifacts.get(settings.name, version)
