"""Training tokens a second of `zhanggui train finetune` beside transformers' Trainer as it comes.

    python benchmarks/training.py [--base default] [--updates 20] [--rounds 3]

Same model, LoRA, rows, batch size, precision (bfloat16 autocast where the device has it) and optimiser; turns are
taken, so that a busy machine slows both. The Trainer pads each batch to its longest row (DataCollatorForSeq2Seq) and
shuffles. Only tokens that are not padding count. With a GPU the utilisation (MFU) of `zhanggui train pretrain` with a
decoder of 100M parameters is printed too.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, DataCollatorForSeq2Seq, Trainer, TrainerCallback, TrainingArguments

from zhanggui.storage import ArtifactStore
from zhanggui.training import answers, job, rows
from zhanggui.training.dropout import quicken
from zhanggui.training.finetune import example_stream
from zhanggui.training.load import adapters, load
from zhanggui.training.losses import Extra
from zhanggui.training.pretrain import pretrain
from zhanggui.training.settings import (
    FinetuneSettings,
    LoraSettings,
    PairColumns,
    PretrainSettings,
    ShapeSettings,
    TokenizerSettings,
)

ROOT = Path(__file__).parents[1]
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second, from the makers' data sheets."""


class Clock(TrainerCallback):
    """Seconds of a training run without its first update, which warms caches."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 1:
            self.start = time.perf_counter()
        self.seconds = time.perf_counter() - self.start


def arguments(folder: str, settings: FinetuneSettings, updates: int, **options: Any) -> TrainingArguments:
    """The same for both sides, but for the order of rows."""
    return TrainingArguments(
        output_dir=folder, max_steps=updates, per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate, save_strategy="no", report_to=[], disable_tqdm=True, logging_steps=10_000,
        remove_unused_columns=False, seed=settings.seed, **job.device_options("auto"), **options,
    )  # fmt: skip


def count(batches: list[int], updates: int) -> int:
    """Tokens of all updates but the first."""
    assert len(batches) >= updates
    return sum(batches[1:updates])


def ours(folder: Path, settings: FinetuneSettings, examples: list[answers.Answered], updates: int) -> float:
    """Tokens a second."""
    with tempfile.TemporaryDirectory() as out:
        args = arguments(out, settings, updates, train_sampling_strategy="sequential")
        model, tokenizer = load(str(folder), half=args.bf16)
        sizes: list[int] = []

        def collate(found: list[dict[str, Any]]) -> dict[str, Any]:
            sizes.append(sum(len(one["input_ids"]) for one in found))
            return answers.collate(found, pad=tokenizer.pad_token_id, limit=settings.max_tokens)

        stream = replace(example_stream(examples, settings), length=updates * settings.batch_size)
        clock = Clock()
        trainer = answers.answer_trainer(Extra())(
            model=get_peft_model(model, adapters(settings.lora)),
            args=args,
            train_dataset=stream,
            data_collator=collate,
            callbacks=[clock],
        )
        quicken(trainer.model)
        with answers.as_autocast(trainer.model):
            trainer.train()
    return count(sizes, updates) / clock.seconds


def plain(
    folder: Path, settings: FinetuneSettings, examples: list[answers.Answered], updates: int, *, half: bool
) -> float:
    """Tokens a second of the Trainer; `half`: with the frozen weights in bfloat16, which it does not do by itself."""
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as out:
        model = AutoModelForCausalLM.from_pretrained(folder, **({"dtype": torch.bfloat16} if half else {}))
        pad = DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(folder))
        sizes: list[int] = []

        def collate(found: list[dict[str, Any]]) -> Any:
            sizes.append(sum(len(one["input_ids"]) for one in found))
            return pad(found)

        data = [
            {"input_ids": one.input_ids.tolist(), "attention_mask": [1] * len(one.input_ids), "labels": one.labels.tolist()}
            for one in examples
        ]  # fmt: skip
        clock = Clock()
        Trainer(
            model=get_peft_model(model, adapters(settings.lora)), args=arguments(out, settings, updates), train_dataset=data,
            data_collator=collate, callbacks=[clock],
        ).train()  # fmt: skip
    return count(sizes, updates) / clock.seconds


def utilisation() -> None:
    """Model FLOPs utilisation of `train pretrain` (Chowdhery et al. 2022, appendix B): a decoder of 100M parameters in bfloat16.

    The time of 60 updates less that of 20, so that reading, tokenizing and keeping count nothing.
    """
    drawn = np.random.default_rng(3)
    words = ["".join(drawn.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(40_000)]
    lines = [json.dumps({"text": " ".join(drawn.choice(words, 400))}) for _ in range(6_000)]
    shape = ShapeSettings(kind="llama", hidden=768, layers=12, heads=12)
    length, batch = 1024, 32
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
        seconds, made = {}, None
        for updates in (20, 60):
            settings = PretrainSettings(
                name=f"mfu-{updates}", objective="causal", data="texts.jsonl", context=length, updates=updates, batch_size=batch,
                rows_at_once=batch, checkpoint_steps=1_000, shape=shape, tokenizer=TokenizerSettings(kind="byte_bpe", vocabulary=32_000),
            )  # fmt: skip
            started = time.perf_counter()
            made = pretrain(
                settings, folder=Path(home), artifacts=ArtifactStore(Path(home) / "artifacts"), work=Path(home) / settings.name,
                now=datetime.now(UTC),
            )  # fmt: skip
            seconds[updates] = time.perf_counter() - started
    assert made is not None
    rate = 40 * batch * length / (seconds[60] - seconds[20])
    operations = 6 * made.metrics["parameters"] + 12 * shape.layers * shape.hidden * length
    name = torch.cuda.get_device_name()
    peak = next((value for key, value in PEAKS.items() if key in name), None)
    share = f"{rate * operations / peak:.1%} of its peak (goal: 45%)" if peak else "peak unknown"
    print(
        f"{name}: {rate:,.0f} tokens/s of a decoder with {made.metrics['parameters'] / 1e6:.0f}M parameters, MFU {share}"
    )


def main() -> None:
    """Print each side's figure and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="default")
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    settings = FinetuneSettings(name="bench", base=asked.base, data="", lora=LoraSettings(), batch_size=16)
    pairs, _ = rows.read(ROOT / "data" / "copywriter" / "en-use", PairColumns())
    with tempfile.TemporaryDirectory() as kept:
        model, tokenizer = load(asked.base)
        model.save_pretrained(kept)
        tokenizer.save_pretrained(kept)
        del model
        examples = answers.tokenize(pairs, tokenizer, longest=settings.max_tokens)
        # Each side takes its rows in an order of its own; the same rows, shuffled alike, for every round.
        order = np.random.default_rng(7).permutation(len(examples))
        examples = [examples[one] for one in order]
        sides = {
            "zhanggui": lambda: ours(Path(kept), settings, examples, asked.updates),
            "Trainer": lambda: plain(Path(kept), settings, examples, asked.updates, half=False),
            "Trainer, frozen weights in bfloat16": lambda: plain(Path(kept), settings, examples, asked.updates, half=True),
        }  # fmt: skip
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(asked.rounds):
            for name, run in sides.items():
                rates[name].append(run())
                print(f"  {name:<36} {rates[name][-1]:8.0f} tokens/s", flush=True)
    middle = {name: float(np.median(found)) for name, found in rates.items()}
    for name, rate in middle.items():
        print(f"{name:<38} {rate:8.0f} tokens/s   {middle['zhanggui'] / rate:5.2f}x")
    ratio = middle["zhanggui"] / middle["Trainer"]
    print(f"{ratio:.2f}x the Trainer (goal: 1.8x): {'reached' if ratio >= 1.8 else 'MISSED'}")
    if torch.cuda.is_available():
        utilisation()


if __name__ == "__main__":
    main()
