"""The curves of a run: event files for TensorBoard while it runs, then JSON and a PNG. Knows only the Trainer's log."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TIMES = ("_runtime", "_per_second", "_preparation_time")


def live(folder: Path, *, start: int) -> Any:
    """A callback that writes the Trainer's log into `folder` as it comes; `start` is the update that the run goes on from.

    What an earlier run wrote of later updates is hidden, since they are made again.
    """
    from tensorboardX import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return TensorBoardCallback(SummaryWriter(str(folder), purge_step=start + 1 if start else None))


def keep(history: Sequence[Mapping[str, Any]], folder: Path, *, title: str) -> None:
    """Write curve.json, curve.png and tensorboard/ into `folder` from a Trainer's log history.

    Records of training have `loss`, those of held-out rows `eval_loss`; both in nats, at their `step` (update).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from tensorboardX import SummaryWriter

    steps = [one for one in history if "loss" in one]
    held = [
        {name: value for name, value in one.items() if not name.endswith(_TIMES)}
        for one in history
        if "eval_loss" in one
    ]
    both = sorted([*steps, *held], key=lambda one: one["step"])
    (folder / "curve.json").write_text(json.dumps(both), encoding="utf-8")
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss = figure.subplots()
    for records, name, form, label in ((steps, "loss", "-", "training"), (held, "eval_loss", "o-", "held out")):
        loss.plot([one["step"] for one in records], [one[name] for one in records], form, markersize=3, label=label)
    loss.legend()
    loss.set_xlabel("update")
    loss.set_ylabel("loss (nats)")
    loss.grid(alpha=0.3)
    loss.set_title(title)
    rate = loss.twinx()
    rate.plot(
        [one["step"] for one in steps], [one.get("learning_rate", 0.0) for one in steps], "--", color="gray", lw=1
    )
    rate.set_ylabel("learning rate (dashed)")
    figure.savefig(folder / "curve.png", dpi=120)
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for one in both:
            for name in ("loss", "learning_rate", "grad_norm"):
                if name in one:
                    writer.add_scalar(f"train/{name}", one[name], one["step"])
            if "eval_loss" in one:
                writer.add_scalar("eval/loss", one["eval_loss"], one["step"])
