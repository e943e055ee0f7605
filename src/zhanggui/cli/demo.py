"""`zhanggui demo`: the whole loop over a real grocer's year, with a mail server on this machine that keeps every message.

Uses only what any shop can use: files in, one campaign, SMTP out, files in again, learning, report.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.campaign import STAGES
from zhanggui.cli.demo_talks import hold_both
from zhanggui.cli.output import Stages, console, either, progress, say, show, spoken

if TYPE_CHECKING:
    from zhanggui.engine import Engine

_MOMENT = datetime(2017, 11, 1, 15, tzinfo=UTC)
_CAMPAIGN = "november-offers"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's shop is kept.")] = Path("demo-shop"),
    messages: Annotated[int, typer.Option(help="How many messages to print in full.")] = 10,
) -> None:
    """Replay a real grocer's autumn of 2017: profiles, one campaign, words, delivery, responses, learning, report; and talk with
    the shop's assistant, in English there and in Chinese in the sample shop.
    """
    from zhanggui.config import template
    from zhanggui.engine import Engine
    from zhanggui.shops.complete_journey import TIME_ZONE, write_complete_journey
    from zhanggui.shops.mail_sink import mail_sink

    started = time.monotonic()
    files_there = (folder / "input" / "campaign.toml").exists()
    with progress(either("reading the data set", "读取数据集"), 1) as advance:
        files = write_complete_journey(folder / "input", until=_MOMENT)
        advance(1)
    with mail_sink(folder / "outbox") as sink:
        (folder / "zhanggui.toml").write_text(
            template(
                name="Corner Grocer",
                currency="USD",
                language="en",
                time_zone=TIME_ZONE,
                smtp_port=sink.port,
                url="https://grocer.example.com",
                address="12 Orchard Lane, Cincinnati, OH 45202",
            ),
            encoding="utf-8",
        )
        # The past is played again: the shop's clock starts at the campaign's moment and runs as ours does.
        with Engine.open(folder, clock=_clock(_MOMENT), replayed=True) as engine:
            _load(engine, files.products, files.consents, files.before)
            engine.campaigns.apply_file(files.campaign)
            with Stages(STAGES) as stages:
                run_id = engine.runs.run(_CAMPAIGN, moment=_MOMENT, progress=stages).run_id
        with Engine.open(folder, clock=_clock(_MOMENT + timedelta(days=15)), replayed=True) as engine:
            with progress(either("orders of the next 14 days", "此后 14 天的订单")) as advance:
                engine.events.ingest(files.after, progress=advance)
            learned = engine.runs.learn(run_id)
            report = engine.runs.report(run_id)
    from zhanggui.evaluation.report import render_text

    console.rule(either("report", "报告"))
    show(render_text(report, spoken()))
    for number, path in enumerate(sorted((folder / "outbox").glob("*.eml"))[:messages], 1):
        console.rule(either(f"message {number}", f"消息 {number}"))
        show(_read(path))
    console.rule()
    say(
        f"{sink.received} messages arrived at the mail server in this run of the demo; every one is in {folder}/outbox",
        f"这次演示有 {sink.received} 条消息到达邮件服务器；每一条都在 {folder}/outbox",
    )
    say(
        f"{learned.learned} decisions taught the policy now (version {learned.policy_version})",
        f"策略这次学了 {learned.learned} 个决策（版本 {learned.policy_version}）",
    )
    if files_there and sink.received == 0:
        say("The same run again changed nothing and sent nothing.", "再运行一次：什么都没有改变，也没有再发送。")
    hold_both(folder, _clock(_MOMENT + timedelta(days=15)))
    console.rule()
    seconds, memory = time.monotonic() - started, _peak_mb()
    say(f"{seconds:.0f} s, peak memory {memory:.0f} MB", f"用时 {seconds:.0f} 秒，内存峰值 {memory:.0f} MB")


def _load(engine: "Engine", products: Path, consents: Path, events: Path) -> None:
    with progress(either("products", "商品")) as advance:
        engine.catalog.load(products, form="jsonl", language="en", progress=advance)
    with progress(either("consents", "同意")) as advance:
        engine.consents.load(consents, progress=advance)
    with progress(either("events", "事件")) as advance:
        engine.events.ingest(events, progress=advance)
    with progress(either("compacting the event log", "整理事件日志"), 1) as advance:
        engine.events.compact()
        advance(1)


class _clock:  # noqa: N801 - reads as a function
    """A clock that showed `start` when it was made."""

    def __init__(self, start: datetime) -> None:
        self._start, self._made = start, time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._made)


def _read(path: Path) -> str:
    from email import message_from_bytes
    from email.policy import default

    mail = message_from_bytes(path.read_bytes(), policy=default)
    body = mail.get_body(("plain",))
    return f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{body.get_content() if body else ''}"


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
