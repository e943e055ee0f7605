"""The loss on held-out rows at each checkpoint of a training, and which weights are kept for it.

Does not know what is trained.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np

from zhanggui.training.streams import Stream

Row = TypeVar("Row")
MOST = 256
"""Held-out rows that are looked at: with a checkpoint every 400 rows, a sixth of the time of training."""
Keep = Literal["last", "best"]


def options(checkpoint_steps: int, *, rows_at_once: int, keep: Keep = "last") -> dict[str, Any]:
    """Arguments of any Trainer: checkpoints, the held-out loss at each, and whose weights it ends with."""
    best = {"load_best_model_at_end": True, "metric_for_best_model": "loss", "greater_is_better": False}
    return {
        "save_steps": checkpoint_steps,
        # The newest may be cut off by a kill and thrown away: another whole one stands beside it and beside the best.
        "save_total_limit": 3 if keep == "best" else 2,
        "eval_strategy": "steps",
        "eval_steps": checkpoint_steps,
        "per_device_eval_batch_size": rows_at_once,
        **(best if keep == "best" else {}),
    }


def stream(rows: Stream) -> Stream:
    """At most `MOST` of the rows, or whole batches of them all."""
    return replace(rows, length=min(rows.epoch, MOST))


def sample(rows: Sequence[Row], seed: int) -> list[Row]:
    """At most `MOST` of the rows."""
    return [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))[:MOST]]


def measured(trainer: Any) -> Any:
    """A Trainer that measures without a trace: training draws the random numbers that it would have drawn anyway.

    The loss is the mean of the batches' means, as in the log of training.
    """
    import torch

    class Measured(trainer):  # type: ignore[misc]
        measuring = False

        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
            self.measuring = True
            try:
                with torch.random.fork_rng(devices=devices):
                    return super().evaluate(*args, **kwargs)
            finally:
                self.measuring = False

        def _get_num_items_in_batch(self, *args: Any, **kwargs: Any) -> Any:
            # Without a count a loss is divided by what its own batch holds, and not by what an update does.
            return None if self.measuring else super()._get_num_items_in_batch(*args, **kwargs)

    return Measured


def kept(trainer: Any) -> dict[str, int]:
    """For the metrics: how many updates there were, and after which one the weights were as they are kept."""
    last, best = trainer.state.global_step, trainer.state.best_global_step
    return {"updates": last, "kept_update": best if best and trainer.args.load_best_model_at_end else last}
