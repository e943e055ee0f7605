"""Keeps the curves of a run: JSON, a PNG, and event files for TensorBoard. Knows only the Trainer's log."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def keep(history: Sequence[Mapping[str, Any]], folder: Path, *, title: str) -> None:
    """Write curve.json, curve.png and tensorboard/ into `folder` from a Trainer's log history."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from tensorboardX import SummaryWriter

    steps = [one for one in history if "loss" in one]
    (folder / "curve.json").write_text(json.dumps(steps), encoding="utf-8")
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss = figure.subplots()
    loss.plot([one["step"] for one in steps], [one["loss"] for one in steps], label="loss (nats)")
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
        for one in steps:
            for name in ("loss", "learning_rate", "grad_norm"):
                if name in one:
                    writer.add_scalar(f"train/{name}", one[name], one["step"])
