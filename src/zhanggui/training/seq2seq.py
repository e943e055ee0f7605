"""Fine-tunes an encoder-decoder (T5, BART and their like) on pairs: the prompt is encoded, the answer decoded.

The Seq2SeqTrainer of Hugging Face and PEFT do the work. `finetune` calls it for such a base; the loss counts on the
answer only, since nothing else is decoded.
"""

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import held_out, job, rows
from zhanggui.training.load import adapters, check_folder
from zhanggui.training.losses import Extra, meanings, nats
from zhanggui.training.measure_seq2seq import measure, row
from zhanggui.training.settings import FinetuneSettings
from zhanggui.training.streams import Stream, alike
from zhanggui.training.tuned import keep


def finetune(
    settings: FinetuneSettings, *, base: str, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact | None:
    """As `training.finetune.finetune`, for an encoder-decoder in `base`; adapters are merged, so the artifact is a whole model."""
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainingArguments, set_seed

    train, held, data_hash = rows.read_parts(folder / settings.data, settings)
    if settings.method == "qlora":
        raise TrainingError('method "qlora" is for decoders; write method = "lora" for an encoder-decoder')
    set_seed(settings.seed)
    model, tokenizer = load(base)
    before = measure(model, tokenizer, held, max_tokens=settings.max_tokens) if job.first() else None
    examples, unseen = (
        [
            {"input_ids": source, "labels": target}
            for source, target in (row(tokenizer, one, max_tokens=settings.max_tokens) for one in pairs)
        ]
        for pairs in (train, held)
    )
    extra = _extra(settings, model, examples)
    collate = DataCollatorForSeq2Seq(tokenizer, model=model)
    if settings.method == "lora":
        from peft import get_peft_model

        model = get_peft_model(model, adapters(settings.lora, task="SEQ_2_SEQ_LM"))
    stream = _stream(examples, settings)
    an_update = settings.batch_size * settings.accumulate
    updates = math.ceil(settings.epochs * stream.epoch / an_update)
    options = Seq2SeqTrainingArguments(
        max_steps=updates, warmup_steps=settings.warmup, **job.arguments(settings, work), **job.STREAMED
    )
    job.begin(options, settings, data_hash=data_hash, base=base)
    trainer = held_out.measured(_trainer(extra))(
        model=model,
        args=options,
        train_dataset=replace(stream, length=updates * an_update),
        eval_dataset=held_out.stream(_stream(unseen, settings)),
        data_collator=collate,
    )
    job.run(trainer, work, minutes=settings.minutes)
    if before is None:
        return None
    after = measure(trainer.model, tokenizer, held, max_tokens=settings.max_tokens)

    def write(folder: Path) -> None:
        whole = trainer.model.merge_and_unload() if settings.method == "lora" else trainer.model
        whole.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")

    return keep(
        settings,
        write,
        kind="encoder-decoder",
        base=base,
        pairs=[*train, *held],
        parted=rows.has_parts(folder / settings.data),
        data_hash=data_hash,
        before=before,
        after=after,
        metrics={"train_pairs": len(train), "validation_pairs": len(held)} | held_out.kept(trainer),
        history=trainer.state.log_history,
        work=work,
        artifacts=artifacts,
        now=now,
    )


def load(base: str) -> tuple[Any, Any]:
    """(model, tokenizer) of an encoder-decoder, in float32. Raises TrainingError."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    check_folder(base)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForSeq2SeqLM.from_pretrained(base, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise TrainingError(f"the base model {base} cannot be opened: {error}") from error
    if tokenizer.pad_token is None:
        raise TrainingError(f"the tokenizer of {base} has no padding token; an encoder-decoder needs one")
    return model.to(job.device()), tokenizer


def _stream(examples: list[dict[str, list[int]]], settings: FinetuneSettings) -> Stream:
    """Batches of pairs of alike length, in another order each epoch; of length 0."""
    sizes = [len(one["input_ids"]) + len(one["labels"]) for one in examples]
    return alike(examples, sizes, seed=settings.seed, batch=settings.batch_size)


def _extra(settings: FinetuneSettings, model: Any, examples: list[dict[str, list[int]]]) -> Extra:
    import torch

    table = None
    if settings.consistency:
        weights = model.get_input_embeddings().weight
        seen = torch.tensor([token for one in examples for ids in one.values() for token in ids])
        table = meanings(weights, torch.bincount(seen, minlength=len(weights)))
    return Extra(unlikelihood=settings.unlikelihood, consistency=settings.consistency, table=table)


def _trainer(extra: Extra) -> Any:
    """A trainer whose loss is a sum over the answers' tokens, divided by how many all steps of an update have."""
    import torch
    from transformers import Seq2SeqTrainer

    class Recipe(Seq2SeqTrainer):  # type: ignore[misc]
        def __init__(self, **given: Any) -> None:
            super().__init__(**given, compute_loss_func=self._answer_loss)

        def compute_loss(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            self.asked = inputs["input_ids"], inputs["attention_mask"].bool()
            return super().compute_loss(model, inputs, *rest, **more)

        def _answer_loss(self, outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
            answer = labels != -100
            logits, wanted = outputs.logits[answer], labels[answer]
            loss = nats(logits, wanted)
            if extra.wanted:
                ids, there = self.asked
                numbers = torch.arange(len(labels), device=labels.device)[:, None]
                loss = loss + extra(
                    logits, wanted, numbers.expand_as(labels)[answer], ids[there], numbers.expand_as(ids)[there]
                )
            return loss / (answer.sum() if num_items_in_batch is None else num_items_in_batch)

    return Recipe
