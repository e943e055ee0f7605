"""Training jobs: `zhanggui train finetune`. Jobs, not requests: they have no door in the HTTP API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import console
from zhanggui.errors import TrainingError

app = typer.Typer(no_args_is_help=True, help="Make models: fine-tune on your own pairs.")


@app.callback()
def _root() -> None:
    """Make models: fine-tune on your own pairs."""


@app.command()
def finetune(
    config: Annotated[Path, typer.Option("--config", help="The job's TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the artifacts.")] = Path("artifacts"),
) -> None:
    """Fine-tune a decoder on chats or on briefs with their copy; a killed job goes on when started again."""
    from zhanggui.storage import ArtifactStore
    from zhanggui.training.settings import load

    settings = load(config)
    try:
        from zhanggui.training.finetune import finetune as train
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; run: pip install 'zhanggui[train]'") from error
    artifact = train(
        settings,
        folder=config.parent,
        artifacts=ArtifactStore(out),
        work=out / ".work" / settings.name,
        now=datetime.now(UTC),
    )
    console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
    for when in ("before", "after"):
        figures = ", ".join(f"{name} {value:.3f}" for name, value in artifact.metrics[when].items())
        console.print(f"  {when}: {figures}", markup=False, highlight=False)
