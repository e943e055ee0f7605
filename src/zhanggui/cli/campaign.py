"""`zhanggui campaign …`: apply, export, list, run, deliver, dead, learn, preferences."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import JsonOption, MomentOption, ShopOption, Stages, console, opened, show_json

app = typer.Typer(no_args_is_help=True, help="Campaigns and their runs.")
RunArgument = Annotated[str, typer.Argument(help="The run's id.")]
NameArgument = Annotated[str, typer.Argument(help="The campaign's name.")]


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A campaign in TOML.")],
    shop: ShopOption = Path(),
) -> None:
    """Store a campaign from a file; a changed file becomes a new version."""
    with opened(shop) as engine:
        name, version = engine.apply_campaign_file(file)
    console.print(f"{name} is version {version}", highlight=False)


@app.command()
def export(name: NameArgument, shop: ShopOption = Path()) -> None:
    """Print a campaign as the file that `apply` takes."""
    with opened(shop) as engine:
        typer.echo(engine.export_campaign(name), nl=False)


@app.command("list")
def list_campaigns(shop: ShopOption = Path()) -> None:
    """Every campaign with its runs: where each stands, and why it failed if it did."""
    with opened(shop) as engine:
        for one in engine.campaigns():
            console.print(f"{one['name']}  version {one['version']}", markup=False, highlight=False)
            for run_id in one["runs"]:
                found = engine.run_status(run_id)
                reason = f": {found['reason']}" if found["reason"] else ""
                console.print(f"  {run_id}  {found['state']}{reason}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def run(name: NameArgument, shop: ShopOption = Path(), at: MomentOption = None) -> None:
    """Walk the line: profiles, decisions, words, delivery. The same run again changes nothing and sends nothing."""
    with opened(shop) as engine, Stages() as stages:
        run_id, results = engine.run_campaign(name, moment=engine.moment(at), progress=stages)
    console.print(f"run {run_id}", highlight=False)
    for step, result in results.items():
        counts = ", ".join(f"{key} {value}" for key, value in result.items() if isinstance(value, int | float))
        console.print(f"  {step:<10} {counts}", markup=False, highlight=False)
    from zhanggui.evaluation.report import templates_in_words

    for line in templates_in_words(results.get("write", {}).get("templates", {}), engine.config.shop.language):
        console.print(f"             {line}", markup=False, highlight=False)
    console.print(f"`zhanggui evaluate {run_id}` reports on it", markup=False, highlight=False)


@app.command()
def deliver(run_id: RunArgument, shop: ShopOption = Path()) -> None:
    """Send what has become due of a run since, such as messages that waited for the end of quiet hours."""
    with opened(shop) as engine:
        states = engine.deliver(run_id)
    console.print(", ".join(f"{name} {count}" for name, count in states.items()), highlight=False)


@app.command()
def dead(
    run_id: RunArgument,
    shop: ShopOption = Path(),
    requeue: Annotated[bool, typer.Option("--requeue", help="Send them again, now.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The messages of a run that could not be delivered, each with its reason.

    Sent again, they pass what every message passes: who has withdrawn her consent, whose address is suppressed, and what has
    expired since stays unsent.
    """
    with opened(shop) as engine:
        if requeue:
            count = engine.requeue(run_id)
            states = engine.deliver(run_id) if count else {}
        found = engine.dead(run_id)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    if requeue:
        told = ", ".join(f"{name} {number}" for name, number in states.items())
        console.print(f"{count} tried again{f'; the run now: {told}' if told else ''}", highlight=False)
    for one in found:
        where = f"{one.ended_at:%Y-%m-%d %H:%M}  {one.customer_id}  {one.channel}  {one.address}"
        console.print(
            f"{where}  ({one.attempts} attempts)  {one.reason}", markup=False, highlight=False, soft_wrap=True
        )
    if not found:
        console.print("no dead letters", highlight=False)
    elif not requeue:
        console.print(f"{len(found)} dead letters; --requeue sends them again", highlight=False)


@app.command()
def learn(run_id: RunArgument, shop: ShopOption = Path()) -> None:
    """Join the responses of a run to its decisions and teach the policy, once."""
    with opened(shop) as engine:
        learned = engine.learn(run_id)
    console.print(
        f"{learned.rewards} rewards, {learned.learned} learned from; policy version {learned.policy_version}",
        highlight=False,
    )


@app.command()
def preferences(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="JSON lines, written anew.")],
    names: Annotated[list[str] | None, typer.Argument(help="Campaigns; all of them where none is named.")] = None,
    shop: ShopOption = Path(),
    minimum: Annotated[int, typer.Option(help="A text that was sent less often is not judged by its clicks.")] = 200,
    false_discoveries: Annotated[
        float, typer.Option(help="Share of the comparisons by clicks that may be chance.")
    ] = 0.05,
) -> None:
    """Write what `zhanggui train preference` learns from: used copy against refused copy, and texts by their clicks."""
    with opened(shop) as engine:
        counts = engine.preferences(file, names or (), minimum=minimum, false_discoveries=false_discoveries)
    console.print(
        f"{counts['checks']} comparisons told by the checks, {counts['clicks']} by clicks, in {file}",
        markup=False,
        highlight=False,
    )
