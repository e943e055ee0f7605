"""Training jobs: `zhanggui train pretrain`, `finetune` and `preference`. Jobs, not requests: they have no door in the HTTP API."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import console
from zhanggui.errors import TrainingError

if TYPE_CHECKING:
    from zhanggui.storage import Artifact

app = typer.Typer(
    no_args_is_help=True,
    help="Make models: pretrain on your own texts, fine-tune on your own pairs, tune to preferences.",
)


@app.callback()
def _root() -> None:
    """Make models: pretrain on your own texts, fine-tune on your own pairs, tune to preferences."""


@app.command()
def pretrain(
    config: Annotated[Path, typer.Option("--config", help="The job's TOML file.")],
    data: Annotated[Path | None, typer.Option("--data", help="Read this instead of the file's `data`.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the artifacts.")] = Path("artifacts"),
) -> None:
    """Pretrain an encoder or a decoder on a corpus; a stopped job goes on when started again, also under torchrun."""
    from zhanggui.storage import ArtifactStore
    from zhanggui.training.settings import PretrainSettings, load

    settings = load(config, PretrainSettings)
    if data is not None:
        settings = replace(settings, data=str(data.absolute()))
    try:
        from zhanggui.training.pretrain import pretrain as train
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; run: pip install 'zhanggui[train]'") from error
    artifact = train(
        settings,
        folder=config.parent,
        artifacts=ArtifactStore(out),
        work=out / ".work" / settings.name,
        now=datetime.now(UTC),
    )
    if artifact is not None:
        console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
        figures = ", ".join(f"{name} {value:.3f}" for name, value in artifact.metrics["validation"].items())
        console.print(f"  held out: {figures}", markup=False, highlight=False)


@app.command()
def finetune(
    config: Annotated[Path, typer.Option("--config", help="The job's TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the artifacts.")] = Path("artifacts"),
) -> None:
    """Fine-tune a decoder or an encoder-decoder on chats or on briefs with their copy; a killed job goes on when started again."""
    from zhanggui.storage import ArtifactStore
    from zhanggui.training.settings import FinetuneSettings, load

    settings = load(config, FinetuneSettings)
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
    _figures(artifact)


@app.command()
def preference(
    config: Annotated[Path, typer.Option("--config", help="The job's TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the artifacts.")] = Path("artifacts"),
) -> None:
    """Tune a decoder to preferences (DPO): of two texts for one prompt, the better becomes likelier."""
    from zhanggui.storage import ArtifactStore
    from zhanggui.training.settings import PreferenceSettings, load

    settings = load(config, PreferenceSettings)
    try:
        from zhanggui.training.preference import tune
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; run: pip install 'zhanggui[train]'") from error
    artifact = tune(
        settings,
        folder=config.parent,
        artifacts=ArtifactStore(out),
        work=out / ".work" / settings.name,
        now=datetime.now(UTC),
    )
    _figures(artifact)
    told = ", ".join(f"{name} {artifact.metrics[f'preference_{name}']:.3f}" for name in ("loss", "accuracy", "margin"))
    console.print(f"  held-out comparisons: {told}", markup=False, highlight=False)


def _figures(artifact: "Artifact") -> None:
    console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
    for when in ("before", "after"):
        figures = ", ".join(f"{name} {value:.3f}" for name, value in artifact.metrics[when].items())
        console.print(f"  {when}: {figures}", markup=False, highlight=False)
