"""Training jobs: `zhanggui train pretrain`, `finetune`, `classify` and `preference`. Jobs, not requests: they have no door in the HTTP API."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import console, training_libraries

if TYPE_CHECKING:
    from zhanggui.storage import Artifact

app = typer.Typer(
    no_args_is_help=True,
    help="Make models: pretrain on your own texts, fine-tune on your own pairs, tune to preferences.",
)


ConfigOption = Annotated[Path, typer.Option("--config", help="The job's TOML file.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Read this instead of the file's `data`.")]
BaseOption = Annotated[str | None, typer.Option("--base", help="Start from this instead of the file's `base`.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the artifacts.")]


@app.callback()
def _root() -> None:
    """Make models: pretrain on your own texts, fine-tune on your own pairs, tune to preferences."""


@app.command()
def pretrain(
    config: ConfigOption,
    data: DataOption = None,
    out: OutOption = Path("artifacts"),
) -> None:
    """Pretrain an encoder or a decoder on a corpus; a stopped job goes on when started again, also under torchrun."""
    from zhanggui.training.settings import PretrainSettings, load

    settings = replace(load(config, PretrainSettings), **_instead(data))
    with training_libraries():
        from zhanggui.training.pretrain import pretrain as train
    artifact = train(settings, **_places(config, out, settings.name))
    if artifact is not None:
        console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
        figures = ", ".join(f"{name} {value:.3f}" for name, value in artifact.metrics["validation"].items())
        console.print(f"  held out: {figures}", markup=False, highlight=False)


@app.command()
def finetune(
    config: ConfigOption,
    data: DataOption = None,
    base: BaseOption = None,
    out: OutOption = Path("artifacts"),
) -> None:
    """Fine-tune a decoder or an encoder-decoder on chats or on briefs with their copy; a killed job goes on when started again."""
    from zhanggui.training.settings import FinetuneSettings, load

    settings = replace(load(config, FinetuneSettings), **_instead(data, base))
    with training_libraries():
        from zhanggui.training.finetune import finetune as train
    artifact = train(settings, **_places(config, out, settings.name))
    if artifact is not None:
        _figures(artifact)


@app.command()
def classify(
    config: ConfigOption,
    data: DataOption = None,
    base: BaseOption = None,
    out: OutOption = Path("artifacts"),
) -> None:
    """Fine-tune an encoder to classify texts (sentiment, topic, intent); a stopped job goes on when started again."""
    from zhanggui.training.settings import ClassifySettings, load

    settings = replace(load(config, ClassifySettings), **_instead(data, base))
    with training_libraries():
        from zhanggui.training.classify import classify as train
    artifact = train(settings, **_places(config, out, settings.name))
    if artifact is None:
        return
    console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
    for part in ("validation", "test"):
        found = artifact.metrics[part]
        figures = ", ".join(
            f"{name} {found[name]:.4f} ("
            + (f"{low:.4f} to {high:.4f})" if low is not None else "no interval: one text)")
            for name, (low, high) in found["intervals"].items()
        )
        console.print(f"  {part}: {figures}", markup=False, highlight=False)
    console.print(f"  each class and the confusions: {artifact.path / 'report.md'}", markup=False, highlight=False)


@app.command()
def preference(
    config: ConfigOption,
    data: DataOption = None,
    base: BaseOption = None,
    out: OutOption = Path("artifacts"),
) -> None:
    """Tune a decoder to preferences (DPO): of two texts for one prompt, the better becomes likelier."""
    from zhanggui.training.settings import PreferenceSettings, load

    settings = replace(load(config, PreferenceSettings), **_instead(data, base))
    with training_libraries():
        from zhanggui.training.preference import tune
    places = _places(config, out, settings.name)
    _reads(config.parent / settings.data)
    artifact = tune(settings, **places)
    if artifact is None:
        return
    _figures(artifact)
    told = ", ".join(f"{name} {artifact.metrics[f'preference_{name}']:.3f}" for name in ("loss", "accuracy", "margin"))
    console.print(f"  held-out comparisons: {told}", markup=False, highlight=False)


def _instead(data: Path | None, base: str | None = None) -> dict[str, Any]:
    """What the command line says in the place of the settings file."""
    given = {"data": None if data is None else str(data.absolute()), "base": base}
    return {name: value for name, value in given.items() if value is not None}


def _places(config: Path, out: Path, name: str) -> dict[str, Any]:
    """Where a job reads, keeps its model and its checkpoints, and its moment; says where its curves grow."""
    from zhanggui.storage import ArtifactStore
    from zhanggui.storage.code_version import code_version
    from zhanggui.training import job

    code_version()  # that of the code which runs, not of what the tree has become when the job ends
    work = out / ".work" / name
    if job.first():  # it speaks for all
        line = f"curves, while it trains: tensorboard --logdir {work} (pip install tensorboard)"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return {
        "folder": config.parent,
        "artifacts": ArtifactStore(out),
        "work": work,
        "now": datetime.now(UTC),
    }


def _reads(data: Path) -> None:
    """Say which files of a folder are read."""
    from zhanggui.training import job, rows

    if data.is_dir() and job.first():
        names = ", ".join(one.name for one in rows.files(data))
        console.print(f"reads {names} in {data}", markup=False, highlight=False, soft_wrap=True)


def _figures(artifact: "Artifact") -> None:
    console.print(f"{artifact.name} {artifact.version}: {artifact.path}", markup=False, highlight=False)
    for when in ("before", "after"):
        figures = ", ".join(f"{name} {value:.3f}" for name, value in artifact.metrics[when].items())
        console.print(f"  {when}: {figures}", markup=False, highlight=False)
    if cut := artifact.metrics.get("cut_answers"):
        said = f"max_tokens cut {cut:.1%} of the answers to learn: the model does not learn from them where to stop"
        console.print(f"  {said}", markup=False, highlight=False)
