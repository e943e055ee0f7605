"""Runs a Trainer as a job that may be stopped at any moment: checkpoints are whole, and the next run goes on from the last.

Does not know what is trained.
"""

import errno
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.storage.artifacts import sync
from zhanggui.training import curves

WHOLE = "whole"
"""Written into a checkpoint when all of it is on the disk; one without it is thrown away."""


def device_options(precision: str) -> dict[str, Any]:
    """Arguments of any Trainer for this device: bfloat16 where it computes in it, gloo between processors."""
    import torch

    cuda = torch.cuda.is_available()
    able = torch.cuda.is_bf16_supported() if cuda else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return {
        "use_cpu": not cuda,
        "bf16": able if precision == "auto" else precision == "bf16",
        "dataloader_pin_memory": cuda,
        # Named only where there are several: with one process there is no group that it could be the backend of.
        **({} if cuda or "WORLD_SIZE" not in os.environ else {"ddp_backend": "gloo"}),
    }


def schedule(name: str) -> str:
    """What the Trainer calls a schedule of the settings."""
    return "constant_with_warmup" if name == "constant" else name


def encoder_attention() -> str:
    """How an encoder attends on this device: on processors plain products are 1.3 times as fast as the fused kernel."""
    import torch

    return "sdpa" if torch.cuda.is_available() else "eager"


def last_checkpoint(work: Path) -> Path | None:
    """The newest whole checkpoint in `work`; those that were cut off are removed."""
    whole = []
    for folder in work.glob("checkpoint-*"):
        if (folder / WHOLE).exists():
            whole.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)


def run(trainer: Any, work: Path, *, minutes: float | None = None) -> None:
    """Train to the end, from the last whole checkpoint in `work` where there is one; curves grow in `work`/tensorboard.

    Raises TrainingError, saying how to go on, when it was asked to stop (SIGTERM, SIGINT), when `minutes` are over, or
    when memory or disk ran out; the last checkpoint is whole in each case.
    """
    from transformers import TrainerCallback

    until = None if minutes is None else time.monotonic() + 60 * minutes
    why: list[str] = []

    class Keeper(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.best_global_step:  # of a checkpoint that may have been written when `work` lay elsewhere
                state.best_model_checkpoint = str(work / f"checkpoint-{state.best_global_step}")

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if until is not None and time.monotonic() > until and not why:
                why.append(f"the {minutes:g} minutes are over")
            if why and state.global_step < state.max_steps:
                control.should_save = control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            folder = work / f"checkpoint-{state.global_step}"
            if state.is_world_process_zero:
                for file in folder.iterdir():
                    if file.is_file():
                        sync(file)
                (folder / WHOLE).touch()
                sync(folder)

    trainer.add_callback(Keeper())
    start = last_checkpoint(work)
    if trainer.is_world_process_zero():
        done = int(start.name.rpartition("-")[2]) if start else 0
        trainer.add_callback(curves.live(work / "tensorboard", start=done))
    trouble = ""
    with _signals(why):
        try:
            trainer.train(resume_from_checkpoint=str(start) if start else None)
        except Exception as error:
            trouble = _trouble(error)
            if not trouble:
                raise
            cause: Exception | None = error
        else:
            cause = None
    if not trouble and why and trainer.state.global_step < trainer.state.max_steps:
        trouble = why[0]
    if trouble:
        kept = last_checkpoint(work)
        where = (
            f"the last checkpoint, {kept}, is whole; the same command goes on from it"
            if kept
            else "no checkpoint was reached yet"
        )
        raise TrainingError(
            f"stopped after update {trainer.state.global_step} of {trainer.state.max_steps}: {trouble}; {where}"
        ) from cause


def _trouble(error: Exception) -> str:
    """What ran out, in words; "" when it was something else."""
    text = str(error).lower()
    if (
        isinstance(error, MemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    ):
        return "memory ran out (make rows_at_once or batch_size smaller, or turn gradient_checkpointing on)"
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "no space left" in text or "unexpected pos" in text or "file write failed" in text:
        return f"the disk is full ({error})"
    return ""


@contextmanager
def _signals(why: list[str]) -> Iterator[None]:
    """While open, a signal to stop is noted, and the job stops after the update that it is in."""

    def note(number: int, _: Any) -> None:
        why.append(f"{signal.Signals(number).name} came")

    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, note)
    except ValueError:  # not the main thread: whoever runs it hears the signals
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
