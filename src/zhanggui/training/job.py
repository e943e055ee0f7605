"""Runs a Trainer as a job that may be stopped at any moment: checkpoints are whole, and the next run goes on from the last.

Does not know what is trained.
"""

import errno
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.storage.artifacts import sync
from zhanggui.training import curves, held_out
from zhanggui.training.dropout import quicken

WHOLE = "whole"
"""Written into a checkpoint when all of it is on the disk; one without it is thrown away."""
MADE_OF = "made-of.json"
"""In a job's work folder: what its checkpoints came from."""
_SAME_RESULT = frozenset(
    {"minutes", "limits", "checkpoint_steps", "rows_at_once", "gradient_checkpointing", "name", "licence"}
)
SMALLER_ROWS = "make rows_at_once smaller, or turn gradient_checkpointing on"
"""What to do when memory runs out, of a job that has both settings."""
SMALLER_BATCH = "turn gradient_checkpointing on, or make batch_size smaller and accumulate larger, which starts afresh"
"""Of a job without `rows_at_once`."""
STREAMED = {"train_sampling_strategy": "sequential", "remove_unused_columns": False}
"""Arguments of a Trainer that is fed from a stream, which has its own order and columns."""
_SCHEDULES = {"constant": "constant_with_warmup", "wsd": "warmup_stable_decay"}
"""What the Trainer calls those schedules of the settings that it calls otherwise."""
_log = logging.getLogger(__name__)


def arguments(settings: Any, work: Path) -> dict[str, Any]:
    """Arguments of any Trainer, of a job's settings; how long it trains and warms up is the job's own. Raises TrainingError.

    Each process measures as many rows at a time as it computes in training.
    """
    if hasattr(settings, "rows_at_once"):
        rows = min(settings.rows_at_once, max(1, settings.batch_size // processes()))
        times = shared(settings.batch_size, rows_at_once=rows)
    else:
        rows, times = shared(settings.batch_size), settings.accumulate
    return {
        "output_dir": str(work),
        "per_device_train_batch_size": rows,
        "gradient_accumulation_steps": times,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "lr_scheduler_type": _SCHEDULES.get(settings.schedule, settings.schedule),
        "gradient_checkpointing": settings.gradient_checkpointing,
        "logging_steps": 10,
        "seed": settings.seed,
        "report_to": [],
        **held_out.options(settings.checkpoint_steps, rows_at_once=rows, keep=getattr(settings, "keep", "last")),
        **device_options(settings.precision),
    }


def device_options(precision: str) -> dict[str, Any]:
    """Arguments of any Trainer for this device: bfloat16 where it computes in it, gloo between processors."""
    import torch

    cuda = torch.cuda.is_available()
    able = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if cuda
        else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )
    return {
        "use_cpu": not cuda,
        "bf16": able if precision == "auto" else precision == "bf16",
        "dataloader_pin_memory": cuda,
        # Named only where there are several: with one process there is no group that it could be the backend of.
        **({} if cuda or "WORLD_SIZE" not in os.environ else {"ddp_backend": "gloo"}),
    }


def device() -> Any:
    """Where this process computes, as the Trainer chooses it: so that what is measured before training is measured there."""
    import torch

    return (
        torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def encoder_attention() -> str:
    """How an encoder attends on this device: on processors plain products are 1.3 times as fast as the fused kernel."""
    import torch

    return "sdpa" if torch.cuda.is_available() else "eager"


def processes() -> int:
    """How many processes share the job."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this process is the first, or the only one: it measures and keeps. torchrun and accelerate launch number them."""
    return int(os.environ.get("RANK", "0")) == 0


def shared(batch_size: int, *, rows_at_once: int = 1) -> int:
    """How often each process computes `rows_at_once` rows for one batch over all processes. Raises TrainingError."""
    times, rest = divmod(batch_size, rows_at_once * processes())
    if rest:
        by = [f"rows_at_once {rows_at_once}"] * (rows_at_once > 1) + [f"{processes()} processes"] * (processes() > 1)
        raise TrainingError(f"batch_size {batch_size} cannot be divided by {' times '.join(by)}")
    return times


def begin(args: Any, settings: Any, *, data_hash: str, base: str) -> None:
    """Call before the Trainer of `args` is made, in each process.

    Checkpoints in its folder that came from other settings, data or base are removed, and it is said; `settings` are a
    job's, and those that do not change the result may change; `base` is as it was found, "" for none. Of several GPUs a
    single process uses one: the Trainer would multiply the batch by them.
    """
    if args.n_gpu > 1:
        _log.warning("one of %d GPUs is used; for all: torchrun --nproc-per-node %d -m zhanggui …", args.n_gpu, args.n_gpu)  # fmt: skip
        args._n_gpu = 1
    with args.main_process_first(local=False):
        _begin(Path(args.output_dir), settings, data_hash=data_hash, base=base)


def _begin(work: Path, settings: Any, *, data_hash: str, base: str) -> None:
    told = {name: value for name, value in asdict(settings).items() if name not in _SAME_RESULT}
    made_of = json.loads(json.dumps(told | {"data": data_hash, "base": base}))
    try:
        known = json.loads((work / MADE_OF).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or cut off while it was written
        known = {}
    if known == made_of:
        return
    if list(work.glob("checkpoint-*")):
        other = sorted(name for name in made_of if known.get(name) != made_of[name]) if known else ["settings"]
        _log.warning("%s holds checkpoints of other %s: removed, training starts afresh", work, ", ".join(other))
    clear(work)
    work.mkdir(parents=True, exist_ok=True)
    (work / MADE_OF).write_text(json.dumps(made_of, ensure_ascii=False, indent=1), encoding="utf-8")


def clear(work: Path) -> None:
    """Remove what the next run would go on from; call when the artifact is kept. A corpus that was built there stays."""
    for folder in (*work.glob("checkpoint-*"), *work.glob("tokenizer"), *work.glob("tokenizer.partial")):
        shutil.rmtree(folder)
    (work / MADE_OF).unlink(missing_ok=True)


def last_checkpoint(work: Path) -> Path | None:
    """The newest whole checkpoint in `work`; those that were cut off are removed."""
    whole = []
    for folder in work.glob("checkpoint-*"):
        if (folder / WHOLE).exists():
            whole.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)


def run(trainer: Any, work: Path, *, minutes: float | None = None, relief: str = SMALLER_BATCH) -> None:
    """Train to the end, from the last whole checkpoint in `work` where there is one; curves grow in `work`/tensorboard.

    Raises TrainingError, saying how to go on, when it was asked to stop (SIGTERM, SIGINT), when `minutes` are over, or
    when memory (`relief` is what to do then) or disk ran out; the last checkpoint is whole in each case.
    """
    from transformers import TrainerCallback

    quicken(trainer.model)
    until = None if minutes is None else time.monotonic() + 60 * minutes
    why: list[str] = []

    class Keeper(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.best_global_step:  # of a checkpoint that may have been written when `work` lay elsewhere
                state.best_model_checkpoint = str(work / f"checkpoint-{state.best_global_step}")

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if until is not None and time.monotonic() > until and not why:
                why.append(f"the {minutes:g} minutes are over")
            if _anywhere(bool(why), args.device) and not why:
                why.append("another process was to stop")
            if why and state.global_step < state.max_steps:
                control.should_save = control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            args.distributed_state.wait_for_everyone()  # each process writes a part
            folder = work / f"checkpoint-{state.global_step}"
            if state.is_world_process_zero:
                for part in folder.rglob("*"):  # divided weights lie in folders of their own
                    sync(part)
                (folder / WHOLE).touch()
                sync(folder)
            args.distributed_state.wait_for_everyone()  # or one that ends now would take it for cut off

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
            trouble = _trouble(error, relief)
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


def _anywhere(stop: bool, device: Any) -> bool:
    """Whether any process is to stop. Each asks after the same update, or those that go on would wait for it in vain."""
    if processes() == 1:
        return stop
    import torch

    told = torch.tensor(int(stop), device=device)
    torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
    return bool(told)


def _trouble(error: Exception, relief: str) -> str:
    """What ran out, in words; "" when it was something else."""
    text = str(error).lower()
    if (
        isinstance(error, MemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    ):
        return f"memory ran out ({relief})"
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
