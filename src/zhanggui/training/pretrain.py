"""Pretrains an encoder (masked words and next sentence) or a decoder (causal) on a corpus.

The Trainer of Hugging Face does the work, on one process or, under torchrun or accelerate, on several.
"""

import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import curves, held_out, job, kept
from zhanggui.training.chats import beginning, ended
from zhanggui.training.corpora import Texts, texts
from zhanggui.training.licences import stated
from zhanggui.training.load import check_folder
from zhanggui.training.models import bert_for_pretraining, new_model
from zhanggui.training.packing import pack
from zhanggui.training.sentence_pairs import Marks, clauses
from zhanggui.training.settings import PretrainSettings
from zhanggui.training.streams import Stream, collate, packed_rows, pair_rows
from zhanggui.training.tokenizer import train_tokenizer


def pretrain(
    settings: PretrainSettings, *, folder: Path, artifacts: ArtifactStore, work: Path, now: datetime
) -> Artifact | None:
    """Train and keep the model as an artifact; `folder` is where relative paths start, `work` keeps checkpoints.

    A stopped job goes on from its last whole checkpoint when it is started again. Of several processes the first
    returns the artifact, the others None. Raises TrainingError when the data, the base or the settings are unusable,
    or the job was stopped.
    """
    from transformers import Trainer, TrainingArguments, set_seed

    masked = settings.objective == "masked"
    if not settings.base and masked != (settings.shape.kind == "bert"):
        raise TrainingError(f"objective {settings.objective!r} does not go with shape.kind {settings.shape.kind!r}")
    args = TrainingArguments(
        max_steps=settings.updates,
        adam_beta2=0.98,
        warmup_steps=max(1, round(settings.warmup * settings.updates)),
        lr_scheduler_kwargs=_schedule(settings),
        **({"fsdp": True, "fsdp_config": {"fsdp_version": 2}} if settings.fsdp else {}),
        **job.arguments(settings, work),
        **job.STREAMED,
    )
    with args.main_process_first(local=False):
        data = texts(folder / settings.data, settings.columns, work=work)
    base = kept.weights(settings.base, folder=folder, artifacts=artifacts) if settings.base else ""
    job.begin(args, settings, data_hash=data.hash, base=base)
    set_seed(settings.seed)
    with args.main_process_first(local=False):
        model, tokenizer = _model(settings, data, base=base, work=work, masked=masked)
    if masked:
        model.rows_an_update = settings.batch_size
        model.set_attn_implementation(job.encoder_attention())
    length = settings.updates * settings.batch_size
    train = _stream(data.train, tokenizer, settings, length=length)
    held = _stream(data.validation, tokenizer, settings, length=0)
    trainer = held_out.measured(Trainer)(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=held_out.stream(held),
        data_collator=lambda rows: collate(rows, pad=tokenizer.pad_token_id, limit=settings.context),
    )
    job.run(trainer, work, minutes=settings.minutes, relief=job.SMALLER_ROWS)
    metrics = {
        "validation": _validate(model, held, settings, pad=tokenizer.pad_token_id),
        "updates": settings.updates,
        "parameters": sum(one.numel() for one in model.parameters()),
        "train_texts": len(data.train),
        "validation_texts": len(data.validation),
    }
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)  # divided weights are gathered by all processes
    if not job.first():
        return None
    version = f"{now:%Y%m%dT%H%M%S}"
    config = asdict(settings)
    if base:
        config["base_licence"] = stated(base)
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=data.hash) as draft:
        model.save_pretrained(draft.path / "model", state_dict=state)
        tokenizer.save_pretrained(draft.path / "model")
        curves.keep(trainer.state.log_history, draft.path, title=f"{settings.name} {version}")
        draft.metrics.update(metrics)
    job.clear(work)
    return artifacts.get(settings.name, version)


def _model(settings: PretrainSettings, data: Texts, *, base: str, work: Path, masked: bool) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    if base:
        check_folder(base)
        try:
            shape = AutoConfig.from_pretrained(base)
            if masked and shape.model_type != "bert":
                raise TrainingError(
                    f'objective "masked" goes on from a BERT, and {settings.base} is of type {shape.model_type!r}; '
                    'name a BERT, or choose objective "causal" for a decoder'
                )
            longest = getattr(shape, "max_position_embeddings", None) or settings.context
            if settings.context > longest:
                raise TrainingError(f"context is {settings.context}, and the base {settings.base} reads {longest}")
            tokenizer = AutoTokenizer.from_pretrained(base)
            kind = bert_for_pretraining() if masked else AutoModelForCausalLM
            model = kind.from_pretrained(base, dtype=torch.float32)  # whatever it was kept in
        except (OSError, ValueError) as error:
            raise TrainingError(f"the base model {base} cannot be opened: {error}") from error
        if not masked:
            ended(tokenizer)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return model, tokenizer
    kept = work / "tokenizer"
    if not kept.exists():
        made = train_tokenizer(data.train, settings.tokenizer, context=settings.context, masked=masked)
        made.save_pretrained(work / "tokenizer.partial")
        (work / "tokenizer.partial").rename(kept)
    tokenizer = AutoTokenizer.from_pretrained(str(kept))
    if not masked:
        ended(tokenizer)
    return new_model(settings.shape, tokenizer, context=settings.context), tokenizer


def _stream(found: list[str], tokenizer: Any, settings: PretrainSettings, *, length: int) -> Stream:
    """Rows of the texts; `length` 0: each example once."""
    if settings.objective == "causal":
        ids = tokenizer(found, add_special_tokens=False)["input_ids"]
        documents = [[beginning(tokenizer), *one, tokenizer.eos_token_id] for one in ids]
        packed = pack(documents, length=settings.context, pad=tokenizer.pad_token_id)
        rows, count, sizes = packed_rows(packed), len(packed.input_ids), None
    else:
        pieces = [cut for text in found if len(cut := clauses(text)) > 1]
        flat = tokenizer([one for cut in pieces for one in cut], add_special_tokens=False)["input_ids"]
        parts = iter(flat)
        pairs = sorted(([next(parts) for _ in cut] for cut in pieces), key=lambda cut: sum(map(len, cut)))
        special = set(tokenizer.all_special_ids)
        marks = Marks(
            cls=tokenizer.cls_token_id,
            sep=tokenizer.sep_token_id,
            mask=tokenizer.mask_token_id,
            pad=tokenizer.pad_token_id,
            ordinary=np.array([one for one in range(len(tokenizer)) if one not in special]),
        )
        rows = pair_rows(pairs, length=settings.context, share=settings.mask_share, marks=marks)
        count, sizes = len(pairs), [sum(map(len, one)) for one in pairs]
    if not count:
        raise TrainingError("no text is long enough to learn from")
    return Stream(
        row=rows, count=count, length=length or count, seed=settings.seed, sizes=sizes, batch=settings.batch_size
    )


def _schedule(settings: PretrainSettings) -> dict[str, Any]:
    return (
        {} if settings.schedule == "cosine" else {"num_decay_steps": max(1, round(settings.decay * settings.updates))}
    )


def _validate(model: Any, held: Stream, settings: PretrainSettings, *, pad: int) -> dict[str, float]:
    """Loss in nats a token on at most 2,000 held-out rows; perplexity, or the accuracy of both of BERT's answers."""
    import torch

    model.eval()
    loss = words = right = pairs = followed = 0.0
    with torch.inference_mode():
        for start in range(0, min(len(held), 2_000), settings.rows_at_once):
            rows = [held[one] for one in range(start, min(start + settings.rows_at_once, len(held), 2_000))]
            batch = {
                name: value.to(model.device) for name, value in collate(rows, pad=pad, limit=settings.context).items()
            }
            labels = batch.pop("labels")
            follows = batch.pop("next_sentence_label", None)
            out = model(**batch)
            if follows is None:
                logits, wanted = out.logits[:, :-1], labels[:, 1:]
            else:
                logits, wanted = out.prediction_logits, labels
                followed += float((out.seq_relationship_logits.argmax(-1) == follows).sum())
                pairs += len(follows)
            chosen = wanted != -100
            logits, wanted = logits[chosen].float(), wanted[chosen]
            loss += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
            right += float((logits.argmax(-1) == wanted).sum())
            words += len(wanted)
    found = {"loss": loss / words, "accuracy": right / words}
    if pairs:
        return found | {"next_sentence_accuracy": followed / pairs}
    return found | {"perplexity": math.exp(loss / words)}
