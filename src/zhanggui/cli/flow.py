"""`zhanggui flow …`: apply, list, pause, resume, cancel. A flow waits for customers; `zhanggui campaign` is for those it goes to."""

from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import ShopOption, either, opened, say, show

app = typer.Typer(no_args_is_help=True, help="Flows of messages that an event begins, such as an abandoned cart.")
NameArgument = Annotated[str, typer.Argument(help="The flow's name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for whoever looks at it later.")]

_STATES = {"running": "进行中", "paused": "已暂停", "cancelled": "已取消", "done": "已完成"}
_ENDED = {"through": "走完全程", "expired": "过期", "same_person": "同一人", "step_gone": "步骤已删除"}
_MESSAGES = {
    "sent": "已发", "waiting": "待发", "claimed": "处理中", "sending": "发送中", "refused": "发送前拦下", "dead": "死信", "in_doubt": "存疑",
}  # fmt: skip


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A flow in TOML.")],
    shop: ShopOption = Path(),
) -> None:
    """Store a flow from a file; a worker works it from now on. A changed file holds for who is on the way, too."""
    with opened(shop) as engine:
        flow = engine.flows.apply_file(file)
    say(
        f"{flow.name} is version {flow.version}; `zhanggui worker` or `zhanggui serve` works it",
        f"{flow.name} 现为第 {flow.version} 版，由 `zhanggui worker` 或 `zhanggui serve` 执行",
    )


@app.command("list")
def list_flows(shop: ShopOption = Path()) -> None:
    """Every flow: where it stands, how many customers are on the way, how the others left, what became of its messages."""
    with opened(shop) as engine:
        flows = engine.flows.all()
    for flow in flows:
        reason = f"{either(': ', '：')}{flow.reason}" if flow.reason else ""
        state = f"{either(flow.state, _STATES[flow.state])}{reason}"
        say(f"{flow.name}  version {flow.version}  {state}", f"{flow.name}  第 {flow.version} 版  {state}")
        left = [f"{either(why, _ENDED.get(why, why))} {count}" for why, count in flow.ended.items()]
        show("  " + "  ".join([f"{either('on the way', '途中')} {flow.on_the_way}", *left]))
        messages = [f"{either(name, _MESSAGES[name])} {count}" for name, count in flow.messages.items()]
        if messages:
            show(f"  {either('messages: ', '消息：')}" + "  ".join(messages))
    if not flows:
        say("no flow; docs/howto/abandoned-cart.md shows one", "还没有流程；范例见 docs/howto/abandoned-cart.zh-CN.md")


@app.command()
def pause(name: NameArgument, shop: ShopOption = Path(), reason: ReasonOption = "") -> None:
    """Let nothing new begin, within a second: nobody comes in, no step is made, no message leaves."""
    with opened(shop) as engine:
        engine.flows.pause(name, reason=reason)
    say(
        f"{name} is paused; `zhanggui flow resume {name}` lets it go on",
        f"{name} 已暂停；`zhanggui flow resume {name}` 让它继续",
    )


@app.command()
def resume(name: NameArgument, shop: ShopOption = Path()) -> None:
    """Let a paused flow go on. Who came by meanwhile comes in now; what is two days late is left out."""
    with opened(shop) as engine:
        engine.flows.resume(name)
    say(f"{name} may go on; a worker takes it up", f"{name} 可以继续，由后台进程接着跑")


@app.command()
def cancel(name: NameArgument, shop: ShopOption = Path(), reason: ReasonOption = "") -> None:
    """End it for good, within a second: messages that wait are not sent."""
    with opened(shop) as engine:
        engine.flows.cancel(name, reason=reason)
    say(f"{name} is cancelled", f"{name} 已取消")
