"""Fine-tunes a decoder on chats: full or LoRA, the loss on the answer only, forgetting and repetition measured.

transformers' Trainer and PEFT do the work; `seq2seq` does an encoder-decoder. Does not know what the answers are about.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import answers, held_out, job, kept, rows, seq2seq
from zhanggui.training.export import beside_adapter
from zhanggui.training.load import adapters, encoder_decoder, fits, load, load_in_4_bits
from zhanggui.training.losses import Extra, meanings
from zhanggui.training.measure import measure
from zhanggui.training.settings import FinetuneSettings
from zhanggui.training.streams import Stream, alike
from zhanggui.training.tuned import keep


def finetune(
    settings: FinetuneSettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact | None:
    """Train and keep the model as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A job that was killed goes on from its last checkpoint when it is started again with the same settings. Of several
    processes the first returns the artifact, the others None. Raises TrainingError when the data or the base is unusable, or the model lost more than the limits allow.
    """
    from peft import get_peft_model
    from transformers import TrainingArguments, set_seed

    base = kept.weights(settings.base, folder=folder, artifacts=artifacts)
    if encoder_decoder(base):
        return seq2seq.finetune(settings, base=base, folder=folder, artifacts=artifacts, work=work, now=now)
    train, held, data_hash = rows.read_parts(folder / settings.data, settings)
    set_seed(settings.seed)
    adapted = settings.method != "full"
    # Weights that stay as they are need no more than what is computed in.
    half = adapted and job.device_options(settings.precision)["bf16"]
    if settings.method == "qlora":
        model, tokenizer = load_in_4_bits(base, checkpointing=settings.gradient_checkpointing)
    else:
        model, tokenizer = load(base, half=half)
    fits(settings.max_tokens, model, base)
    examples = answers.tokenize(train, tokenizer, longest=settings.max_tokens)
    before = measure(model, tokenizer, held) if job.first() else None
    stream = example_stream(examples, settings)
    an_update = settings.batch_size * settings.accumulate
    updates = math.ceil(settings.epochs * stream.epoch / an_update)
    args = TrainingArguments(
        max_steps=updates,
        warmup_steps=max(1, round(settings.warmup * updates)),
        **job.arguments(settings, work),
        **job.STREAMED,
    )
    job.begin(args, settings, data_hash=data_hash, base=base)
    unseen = example_stream(answers.tokenize(held, tokenizer, longest=settings.max_tokens), settings)
    trainer = held_out.measured(answers.answer_trainer(_extra(settings, model, examples)))(
        model=get_peft_model(model, adapters(settings.lora)) if adapted else model,
        args=args,
        train_dataset=replace(stream, length=updates * an_update),
        eval_dataset=held_out.stream(unseen),
        data_collator=lambda found: answers.collate(found, pad=tokenizer.pad_token_id, limit=settings.max_tokens),
    )
    with answers.as_autocast(trainer.model) if half else nullcontext():
        job.run(trainer, work, minutes=settings.minutes)
    if before is None:
        return None
    after = measure(trainer.model, tokenizer, held)

    def write(folder: Path) -> None:
        trainer.model.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        if adapted:
            beside_adapter(folder, model, tokenizer)

    return keep(
        settings,
        write,
        kind="adapter" if adapted else "decoder",
        base=base,
        pairs=[*train, *held],
        parted=rows.has_parts(folder / settings.data),
        data_hash=data_hash,
        before=before,
        after=after,
        metrics={
            "train_pairs": len(train),
            "validation_pairs": len(held),
            "cut_answers": sum(one.cut for one in examples) / len(examples),
        }
        | held_out.kept(trainer),
        history=trainer.state.log_history,
        work=work,
        artifacts=artifacts,
        now=now,
    )


def example_stream(examples: Sequence[answers.Answered], settings: FinetuneSettings) -> Stream:
    """Batches of rows of alike length, in another order each epoch; of length 0."""
    found = [one.__dict__ for one in examples]
    return alike(found, [len(one.input_ids) for one in examples], seed=settings.seed, batch=settings.batch_size)


def _extra(settings: FinetuneSettings, model: Any, examples: Sequence[answers.Answered]) -> Extra:
    import torch

    table = None
    if settings.consistency:
        weights = model.get_input_embeddings().weight
        seen = torch.cat([torch.from_numpy(one.input_ids) for one in examples])
        table = meanings(weights, torch.bincount(seen, minlength=len(weights)))
    return Extra(unlikelihood=settings.unlikelihood, consistency=settings.consistency, table=table)
