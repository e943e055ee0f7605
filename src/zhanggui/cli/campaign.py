"""`zhanggui campaign …`: apply, export, list, test, run, pause, resume, cancel, deliver, dead, learn, preferences."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import (
    JsonOption,
    MomentOption,
    ShopOption,
    Stages,
    either,
    moment_named,
    opened,
    padded,
    say,
    show,
    show_json,
    spoken,
)
from zhanggui.errors import DeliveryError

app = typer.Typer(no_args_is_help=True, help="Campaigns and their runs.")
RunArgument = Annotated[str, typer.Argument(help="The run's id.")]
NameArgument = Annotated[str, typer.Argument(help="The campaign's name.")]
WhichArgument = Annotated[str, typer.Argument(help="A campaign's name, for all its runs, or one run's id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for whoever looks at it later.")]

STAGES = {"profiles": "画像", "decisions": "决策", "words": "文案", "messages": "消息"}
_STEPS = {"snapshot": "快照", "decide": "决策", "write": "文案", "enqueue": "发件箱", "deliver": "投递"}
_STATES = {
    "sent": "已发", "waiting": "待发", "claimed": "处理中", "sending": "发送中", "refused": "发送前拦下", "dead": "死信",
}  # fmt: skip
_COUNTS = _STATES | {
    "customers": "顾客", "treated": "触达", "holdout": "对照", "suppressed": "不可触达", "briefs": "任务", "from_model": "模型写的",
    "prompt_tokens": "提示词元", "completion_tokens": "生成词元", "candidates": "候选", "passed": "通过", "messages": "消息", "new": "新增",
}  # fmt: skip


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A campaign in TOML.")],
    shop: ShopOption = Path(),
) -> None:
    """Store a campaign from a file; a changed file becomes a new version."""
    with opened(shop) as engine:
        campaign = engine.campaigns.apply_file(file)
    say(f"{campaign.name} is version {campaign.version}", f"{campaign.name} 现为第 {campaign.version} 版")


@app.command()
def export(name: NameArgument, shop: ShopOption = Path()) -> None:
    """Print a campaign as the file that `apply` takes."""
    with opened(shop) as engine:
        typer.echo(engine.campaigns.export(name), nl=False)


@app.command("list")
def list_campaigns(shop: ShopOption = Path()) -> None:
    """Every campaign with its runs: where each stands, and why it failed, was paused or was cancelled."""
    from zhanggui.evaluation.report import state_in_words

    with opened(shop) as engine:
        for campaign in engine.campaigns.all():
            say(f"{campaign.name}  version {campaign.version}", f"{campaign.name}  第 {campaign.version} 版")
            for run_id in campaign.runs:
                status = engine.runs.status(run_id)
                show(f"  {run_id}  {state_in_words(status.state, status.reason, spoken())}")


@app.command()
def run(name: NameArgument, shop: ShopOption = Path(), at: MomentOption = None) -> None:
    """Walk the line: profiles, decisions, words, delivery. The same run again changes nothing and sends nothing."""
    with opened(shop) as engine, Stages(STAGES) as stages:
        done = engine.runs.run(name, moment=moment_named(at), progress=stages)
    say(f"run {done.run_id}", f"运行 {done.run_id}")
    for step, result in done.results.items():
        counts = _counted({key: value for key, value in result.items() if isinstance(value, int | float)})
        show(f"  {padded(either(step, _STEPS.get(step, step)), 10)} {counts}")
    from zhanggui.evaluation.report import templates_in_words

    for line in templates_in_words(done.results.get("write", {}).get("templates", {}), spoken()):
        show(f"             {line}")
    say(f"`zhanggui evaluate {done.run_id}` reports on it", f"报告见 `zhanggui evaluate {done.run_id}`")


@app.command("test")
def send_test(
    name: NameArgument,
    to: Annotated[str, typer.Option("--to", help="The operator's own address.")],
    shop: ShopOption = Path(),
    channel: Annotated[str | None, typer.Option("--channel", help="Default: the campaign's first.")] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", help="As this customer would read it; default: as a stranger.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send one real message to yourself, marked as a test. It needs no consent, is no contact, and counts nowhere."""
    with opened(shop) as engine:
        trial = engine.campaigns.test(name, to=to, channel=channel, customer_id=customer)
    message, receipt = trial.message, trial.receipt
    if as_json:
        show_json(asdict(trial))
    elif receipt.outcome == "accepted":
        say(
            f"sent to {message.address} on {message.channel}: {message.subject} ({receipt.detail})",
            f"已通过 {message.channel} 发给 {message.address}：{message.subject}（{receipt.detail}）",
        )
    if receipt.outcome != "accepted":
        raise DeliveryError(f"{message.address} got no message: {receipt.outcome}, {receipt.detail}")


@app.command()
def pause(which: WhichArgument, shop: ShopOption = Path(), reason: ReasonOption = "") -> None:
    """Let nothing new begin, within a second: no batch, no words, no message. What is being sent is finished."""
    with opened(shop) as engine:
        for run_id in engine.runs.pause(which, reason=reason):
            say(
                f"{run_id} is paused; `zhanggui campaign resume {run_id}` lets it go on",
                f"{run_id} 已暂停；`zhanggui campaign resume {run_id}` 让它继续",
            )


@app.command()
def resume(which: WhichArgument, shop: ShopOption = Path()) -> None:
    """Let what was paused go on. A worker (`zhanggui serve`) takes it up; without one, the command that began it does."""
    with opened(shop) as engine:
        for run_id in engine.runs.resume(which):
            say(f"{run_id} may go on; a worker takes it up", f"{run_id} 可以继续，由后台进程接着跑")


@app.command()
def cancel(which: WhichArgument, shop: ShopOption = Path(), reason: ReasonOption = "") -> None:
    """End it for good, within a second: messages that wait are not sent. What has been sent stays sent."""
    with opened(shop) as engine:
        for run_id in engine.runs.cancel(which, reason=reason):
            say(f"{run_id} is cancelled", f"{run_id} 已取消")


@app.command()
def deliver(run_id: RunArgument, shop: ShopOption = Path()) -> None:
    """Send what has become due of a run since, such as messages that waited for the end of quiet hours."""
    with opened(shop) as engine:
        states = engine.runs.deliver(run_id)
    show(_counted(states))


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
            count = engine.runs.requeue(run_id)
            states = engine.runs.deliver(run_id) if count else {}
        found = engine.runs.dead(run_id)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    if requeue:
        told = _counted(states)
        say(
            f"{count} tried again" + (f"; the run now: {told}" if told else ""),
            f"重新发送 {count} 条" + (f"；此次运行现为：{told}" if told else ""),
        )
    for one in found:
        where = f"{one.ended_at:%Y-%m-%d %H:%M}  {one.customer_id}  {one.channel}  {one.address}"
        say(
            f"{where}  ({one.attempts} attempts)  {one.reason}",
            f"{where}  （尝试 {one.attempts} 次）  {one.reason}",
        )
    if not found:
        say("no dead letters", "没有死信")
    elif not requeue:
        say(f"{len(found)} dead letters; --requeue sends them again", f"{len(found)} 条死信；加 --requeue 重新发送")


@app.command()
def learn(run_id: RunArgument, shop: ShopOption = Path()) -> None:
    """Join the responses of a run to its decisions and teach the policy, once."""
    with opened(shop) as engine:
        learned = engine.runs.learn(run_id)
    say(
        f"{learned.rewards} rewards, {learned.learned} learned from; policy version {learned.policy_version}",
        f"{learned.rewards} 条回报，策略学了其中 {learned.learned} 条；策略版本 {learned.policy_version}",
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
        comparisons = engine.campaigns.preferences(
            file, names or (), minimum=minimum, false_discoveries=false_discoveries
        )
    say(
        f"{comparisons.checks} comparisons told by the checks, {comparisons.clicks} by clicks, in {file}",
        f"{comparisons.checks} 组对比来自检查，{comparisons.clicks} 组来自点击，写在 {file}",
    )


def _counted(counts: Mapping[str, float]) -> str:
    return either(
        ", ".join(f"{name} {count}" for name, count in counts.items()),
        "，".join(f"{_COUNTS.get(name, name)} {count}" for name, count in counts.items()),
    )
