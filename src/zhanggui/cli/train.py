"""Training jobs: `zhanggui train pretrain`, `finetune`, `classify`, `preference`, `understand`, `dialogue`. No door in the HTTP API."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import ShopOption, Stages, either, opened, say, show, training_libraries

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
        _made(artifact)
        figures = _figures(artifact.metrics["validation"])
        say(f"  held out: {figures}", f"  验证集：{figures}")


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
        _before_and_after(artifact)


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
    _made(artifact)
    for part, chinese in (("validation", "验证集"), ("test", "测试集")):
        found = artifact.metrics[part]
        figures = ", ".join(
            f"{name} {found[name]:.4f} ({_interval(low, high)})" for name, (low, high) in found["intervals"].items()
        )
        say(f"  {part}: {figures}", f"  {chinese}：{figures}")
    report = artifact.path / "report.md"
    say(f"  each class and the confusions: {report}", f"  各类别与混淆矩阵：{report}")


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
    _before_and_after(artifact)
    told = _figures({name: artifact.metrics[f"preference_{name}"] for name in ("loss", "accuracy", "margin")})
    say(f"  held-out comparisons: {told}", f"  验证用的对比：{told}")


@app.command()
def understand(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="JSONL of labelled utterances; default: the shop's utterances that ship."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="JSONL to measure with; nothing is learned from it.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The job's TOML file; default: its defaults.")] = None,
    base: BaseOption = None,
    out: OutOption = Path("artifacts"),
) -> None:
    """Train the encoder that understands shoppers: intents and slots from labelled utterances, served as int8 ONNX."""
    from zhanggui.catalog.ontology import Ontology
    from zhanggui.conversation.understand.labelled import read_labelled, shipped
    from zhanggui.conversation.understand.lexicon import words_of
    from zhanggui.storage import ArtifactStore
    from zhanggui.training.settings import UnderstandSettings, load

    settings = replace(load(config, UnderstandSettings) if config else UnderstandSettings(), **_instead(None, base))
    rows = read_labelled(data) if data else shipped("train")
    held_out = read_labelled(test) if test else [] if data else shipped("test")
    with training_libraries():
        from zhanggui.training.understand import understand as train
    with Stages({"read": "读取", "train": "训练"}) as stages:
        artifact = train(
            rows,
            settings,
            test=held_out,
            phrases=words_of(Ontology()).phrases(),
            folder=config.parent if config else Path(),
            artifacts=ArtifactStore(out),
            now=datetime.now(UTC),
            progress=stages,
        )
    _made(artifact)
    if held_out:
        intents, slots = artifact.metrics["intent_f1"], artifact.metrics["slot_f1"]
        say(
            f"  {len(held_out)} test utterances: intent F1 {intents:.3f}, slot F1 {slots:.3f}",
            f"  {len(held_out)} 句测试：意图 F1 {intents:.3f}，槽位 F1 {slots:.3f}",
        )


@app.command()
def dialogue(
    shop: ShopOption = Path(),
    config: Annotated[Path | None, typer.Option("--config", help="The job's TOML file; default: its defaults.")] = None,
    products: Annotated[int, typer.Option("--products", min=2, help="So many products at most, at random.")] = 2_000,
) -> None:
    """Learn a dialogue policy with simulated shoppers of the shop's own products; `policy_version` in zhanggui.toml serves it."""
    from zhanggui.training.dialogue_settings import DialogueSettings
    from zhanggui.training.settings import load

    settings = load(config, DialogueSettings) if config else DialogueSettings()
    with training_libraries():
        from zhanggui.training.shop_dialogue import shop_dialogue
    with opened(shop) as engine:
        world = engine.catalog.world(most=products)
        with Stages({"imitate": "模仿规则", "learn": "学习"}) as stages:
            artifact = shop_dialogue(
                world, settings, artifacts=engine.artifacts, now=datetime.now(UTC), progress=stages
            )
    _made(artifact)
    for name, figures in artifact.metrics.items():
        policy, wrong = name.split(" at ")
        success, turns, value = figures["success"], figures["turns"], figures["value"]
        say(
            f"  {policy}, {wrong} wrong answers: success {success:.3f}, turns {turns:.2f}, value {value:.2f}",
            f"  {policy}，错误回答 {wrong}：成交率 {success:.3f}，轮数 {turns:.2f}，订单金额 {value:.2f}",
        )


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
        say(
            f"curves, while it trains: tensorboard --logdir {work} (pip install tensorboard)",
            f"训练时看曲线：tensorboard --logdir {work}（pip install tensorboard）",
        )
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
        say(f"reads {names} in {data}", f"从 {data} 读取 {names}")


def _made(artifact: "Artifact") -> None:
    show(f"{artifact.name} {artifact.version}: {artifact.path}")


def _before_and_after(artifact: "Artifact") -> None:
    _made(artifact)
    for when, chinese in (("before", "训练前"), ("after", "训练后")):
        figures = _figures(artifact.metrics[when])
        say(f"  {when}: {figures}", f"  {chinese}：{figures}")
    if cut := artifact.metrics.get("cut_answers"):
        say(
            f"  max_tokens cut {cut:.1%} of the answers to learn: the model does not learn from them where to stop",
            f"  要学的答案有 {cut:.1%} 被 max_tokens 截断：模型学不到它们该在哪里停",
        )


def _figures(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _interval(low: float | None, high: float | None) -> str:
    if low is None:
        return either("no interval: one text", "没有区间：只有一条文本")
    return either(f"{low:.4f} to {high:.4f}", f"{low:.4f} 至 {high:.4f}")
