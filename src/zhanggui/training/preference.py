"""Tunes a decoder to preferences: direct preference optimisation (Rafailov et al. 2023), forgetting and repetition measured.

TRL and PEFT do the work. Does not know who preferred what, or why.
"""

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import comparisons, held_out, job, kept
from zhanggui.training.chats import ready
from zhanggui.training.export import beside_adapter
from zhanggui.training.load import adapters, encoder_decoder, fits, load, load_in_4_bits
from zhanggui.training.measure import measure
from zhanggui.training.settings import PreferenceSettings
from zhanggui.training.tuned import keep


def tune(
    settings: PreferenceSettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact | None:
    """Train and keep the model as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A job that was killed goes on from its last checkpoint when it is started again with the same settings. Of several
    processes the first returns the artifact, the others None. Raises TrainingError when the data or the base is unusable, or the model lost more than the limits allow.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import DPOConfig, DPOTrainer

    found, data_hash = comparisons.read(folder / settings.data, style=settings.prompt)
    train, held = comparisons.split(found, validation=settings.validation, seed=settings.seed)
    if not train or not held:
        raise TrainingError(
            f"{folder / settings.data}: {len(found)} comparisons are too few to train on and to hold some out"
        )
    set_seed(settings.seed)
    base = kept.weights(settings.base, folder=folder, artifacts=artifacts)
    model, tokenizer = _start(settings, base, folder)
    fits(settings.max_tokens, model, base)
    before = measure(model, tokenizer, [one.chosen for one in held]) if job.first() else None
    new = settings.method != "full" and not settings.adapter
    options = DPOConfig(
        beta=settings.beta,
        # Robust DPO is the sigmoid loss corrected for comparisons that are the wrong way round.
        loss_type=["robust" if settings.label_smoothing else "sigmoid"],
        label_smoothing=settings.label_smoothing,
        num_train_epochs=settings.epochs,
        warmup_steps=settings.warmup,
        max_length=settings.max_tokens,
        data_seed=settings.seed,
        **job.arguments(settings, work),
    )
    job.begin(options, settings, data_hash=data_hash, base=base)
    trainer = held_out.measured(DPOTrainer)(
        model=model,
        # Adapters need no second model: without them, or with those that it began with, it is the reference.
        ref_model=copy.deepcopy(model) if settings.method == "full" else None,
        args=options,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(comparisons.chats(train)),
        eval_dataset=Dataset.from_list(comparisons.chats(held_out.sample(held, settings.seed))),
        peft_config=adapters(settings.lora) if new else None,
    )
    job.run(trainer, work, minutes=settings.minutes)
    history = list(trainer.state.log_history)
    told = trainer.evaluate(Dataset.from_list(comparisons.chats(held)))
    if before is None:
        return None
    after = measure(trainer.model, tokenizer, [one.chosen for one in held])

    def write(folder: Path) -> None:
        parts: dict[str, Any] = {} if settings.method == "full" else {"selected_adapters": ["default"]}
        trainer.model.save_pretrained(folder / "model", **parts)
        tokenizer.save_pretrained(folder / "model")
        if settings.method != "full":
            beside_adapter(folder, model, tokenizer)

    return keep(
        settings,
        write,
        kind="decoder" if settings.method == "full" else "adapter",
        base=base,
        pairs=[one.chosen for one in found],
        data_hash=data_hash,
        before=before,
        after=after,
        metrics={
            # Of held-out comparisons. Before training they are log 2, 0 and 0 by definition.
            "preference_loss": told["eval_loss"],
            "preference_accuracy": told["eval_rewards/accuracies"],
            "preference_margin": told["eval_rewards/margins"],
            "train_comparisons": len(train),
            "validation_comparisons": len(held),
            **held_out.kept(trainer),
        },
        history=history,
        work=work,
        artifacts=artifacts,
        now=now,
    )


def _start(settings: PreferenceSettings, base: str, folder: Path) -> tuple[Any, Any]:
    """The model that training starts from, with the adapter that the settings name."""
    if settings.adapter and settings.method == "full":
        raise TrainingError(
            'an adapter is tuned with method = "lora" or "qlora"; to train every weight, merge it first'
        )
    if encoder_decoder(base):
        raise TrainingError(f"{settings.base} is an encoder-decoder; preferences are learned by decoders only")
    if settings.method == "qlora":
        model, tokenizer = load_in_4_bits(base, checkpointing=settings.gradient_checkpointing)
    else:
        model, tokenizer = load(base)
    if not settings.adapter:
        return model, tokenizer
    from peft import PeftModel
    from transformers import AutoTokenizer

    place = folder / settings.adapter
    try:
        tuned = PeftModel.from_pretrained(model, str(place), is_trainable=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(f"the adapter in {place} does not belong to {settings.base}: {error}") from error
    if (place / "tokenizer.json").exists():
        tokenizer = ready(AutoTokenizer.from_pretrained(place), model)
    return tuned, tokenizer
