"""`zhanggui evaluate …`: how a campaign's run did, how good copy is, how dialogue policies do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    ShopOption,
    either,
    errors,
    opened,
    say,
    say_rejected,
    show,
    show_json,
    spoken,
    training_libraries,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zhanggui.evaluation.copy_quality import CopyQuality
    from zhanggui.evaluation.fluency import Scorer
    from zhanggui.evaluation.relevance import Embed
    from zhanggui.evaluation.shop_dialogues import Compared


class _RunByName(TyperGroup):
    """`evaluate RUN` is short for `evaluate run RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {"--help", *self.commands}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByName, no_args_is_help=True, help="Compare: a run's report, the quality of copy, dialogue policies."
)


@app.command()
def run(
    run_id: Annotated[str, typer.Argument(help="The run's id.")],
    shop: ShopOption = Path(),
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """The report of a run, as of now. `zhanggui evaluate RUN` is the same."""
    from zhanggui.evaluation.report import render_text

    with opened(shop) as engine:
        report = engine.runs.report(run_id)
    if as_json:
        show_json(report.to_json())
    else:
        show(render_text(report, spoken()))


@app.command("copy")
def evaluate_copy(
    files: Annotated[list[Path], typer.Argument(help="JSONL, one file a system, row k of each for the same source.")],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="JSONL of what was asked for, with the references; default: the first file."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write a page of samples side by side (HTML).")] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", help="JSONL whose attributes count too as ones that a text may wrongly say."),
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="Folder of an ONNX encoder, for similarity in meaning.")
    ] = None,
    perplexity: Annotated[
        str | None, typer.Option("--perplexity", help="Reference model: Hugging Face folder or name, GGUF, or default.")
    ] = None,
    chars: Annotated[
        int | None, typer.Option("--chars", min=1, help="Cut texts and references to so many characters.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=0, help="Rows on the page.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Fixes intervals and samples.")] = 7,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Relevance, diversity, fluency and faithfulness of copy, with intervals. Bad rows go to a reject file."""
    from zhanggui.evaluation import copy_rows
    from zhanggui.evaluation.copy_quality import evaluate
    from zhanggui.storage import RejectFile

    rejected = (out or Path("evaluate-copy")).with_suffix(".rejects.jsonl")
    with RejectFile(path=rejected) as rejects:
        rows = copy_rows.read(files, reference, rejects=rejects, chars=chars)
        values = copy_rows.read_vocabulary(vocabulary, rejects=rejects) if vocabulary else frozenset()
    with errors.status(either("evaluating", "评测中")):
        quality = evaluate(rows, values=values, embed=_embed(encoder), scorer=_scorer(perplexity), seed=seed)
    if as_json:
        show_json(quality.to_json() | {"rejected": rejects.count})
    else:
        _show(quality)
    if out is not None:
        from zhanggui.evaluation.side_by_side import render

        names = " · ".join(quality.systems)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(render(quality, samples=samples, seed=seed, title=names), encoding="utf-8")
        show(str(out), to=errors)
    say_rejected(rejects)


@app.command("conversation")
def evaluate_conversation(
    shop: ShopOption = Path(),
    version: Annotated[
        str,
        typer.Option("--policy", help='Version of a learned dialogue policy, or "latest"; default: the one served.'),
    ] = "",
    dialogues: Annotated[int, typer.Option("--dialogues", min=1, help="So many for each seed.")] = 500,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many, for the intervals.")] = 10,
    products: Annotated[int, typer.Option("--products", min=2, help="So many products at most, at random.")] = 2_000,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """How dialogue policies do with simulated shoppers: success, turns, value of orders, at 0, 10 and 25% wrong answers."""
    from dataclasses import asdict

    from zhanggui.conversation.learned_act import NAME, LearnedPolicy
    from zhanggui.evaluation.shop_dialogues import BASELINES, compare, learned

    with opened(shop) as engine:
        world = engine.catalog.world(most=products)
        version = version or engine.config.conversation.policy_version
        policies = dict(BASELINES)
        if version:
            policies["learned"] = learned(LearnedPolicy.read(engine.artifacts.get(NAME, version).path))
        currency = engine.config.shop.currency
    with errors.status(either("evaluating", "评测中")):
        compared = compare(world, policies, dialogues=dialogues, seeds=range(seeds))
    if as_json:
        show_json([asdict(row) for row in compared])
        return
    _show_compared(compared, currency)


def _show_compared(compared: "Sequence[Compared]", currency: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column(either("wrong answers", "错误回答"))
    table.add_column(either("policy", "策略"))
    table.add_column(either("success", "成交率"), justify="right")
    table.add_column(either("turns", "轮数"), justify="right")
    table.add_column(either("value", "订单金额"), justify="right")
    for row in compared:
        cells = []
        for name in ("success", "turns", "value"):
            half = f" ±{getattr(row.half, name):.3f}" if row.half else ""
            unit = f" {currency}" if name == "value" else ""
            cells.append(f"{getattr(row.mean, name):.3f}{half}{unit}")
        table.add_row(f"{row.wrong:.0%}", row.policy, *cells)
    show(table)


def _embed(folder: Path | None) -> "Embed | None":
    if folder is None:
        return None
    from zhanggui.llm.encoder import Encoder

    return Encoder(folder).embed


def _scorer(base: str | None) -> "Scorer | None":
    if base is None:
        return None
    with training_libraries():
        from zhanggui.training.perplexity import scorer

        return scorer(base)


def _show(quality: "CopyQuality") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from zhanggui.evaluation.copy_rows import REFERENCE
    from zhanggui.evaluation.metrics import GROUPS, METRICS
    from zhanggui.evaluation.side_by_side import NOTE, is_whole, printed, verdict

    zh = spoken() == "zh"
    table = Table(
        "",
        title=either(f"{len(quality.rows)} rows", f"{len(quality.rows)} 条"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
    )
    for name in quality.columns:
        table.add_column(Text("参考文案" if zh and name == REFERENCE else name), justify="right")
    group = ""
    for metric in METRICS:
        each = quality.figures.get(metric.name)
        if not each:
            continue
        if metric.group != group:
            group = metric.group
            table.add_section()
            table.add_row(Text(GROUPS[metric.group][zh], style="bold"))
        cells = []
        for name in quality.columns:
            cell = Text(" ".join(printed(metric, each[name])) if name in each else "")
            gap = quality.differences.get(metric.name, {}).get(name)
            found = verdict(metric, gap) if gap else ""
            cell.append({"better": " +", "worse": " -", "": "  "}[found] if len(quality.systems) > 1 else "")
            cells.append(cell)
        arrow = {"higher": " ↑", "lower": " ↓", "": ""}[metric.better]
        table.add_row(Text(f"{metric.zh if zh else metric.en}{arrow}"), *cells)
    show(table)
    if not is_whole(quality):
        show(NOTE[zh])
    if len(quality.systems) > 1:
        first = quality.systems[0]
        say(
            f"+ and -: better and worse than {first}, where the 95% interval of the difference leaves out zero",
            f"+ / -：与 {first} 相比更好 / 更差，95% 区间不含零",
        )
