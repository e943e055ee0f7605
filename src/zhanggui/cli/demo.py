"""`zhanggui demo`: the whole loop over a real grocer's year, with a mail server on this machine that keeps every message.

Uses only what any shop can use: files in, one campaign, SMTP out, files in again, learning, report.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import Stages, console, progress

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
    """Replay a real grocer's autumn of 2017: profiles, one campaign, words, delivery, responses, learning, report."""
    from zhanggui.config import template
    from zhanggui.engine import Engine
    from zhanggui.shops.complete_journey import TIME_ZONE, write_complete_journey
    from zhanggui.shops.mail_sink import mail_sink

    started = time.monotonic()
    files_there = (folder / "input" / "campaign.toml").exists()
    with progress("reading the data set", 1) as advance:
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
            ),
            encoding="utf-8",
        )
        # The past is played again: the shop's clock starts at the campaign's moment and runs as ours does.
        with Engine.open(folder, clock=_clock(_MOMENT), replayed=True) as engine:
            _load(engine, files.products, files.consents, files.before)
            engine.apply_campaign_file(files.campaign)
            with Stages() as stages:
                run_id, _ = engine.run_campaign(_CAMPAIGN, moment=_MOMENT, progress=stages)
        with Engine.open(folder, clock=_clock(_MOMENT + timedelta(days=15)), replayed=True) as engine:
            with progress("orders of the next 14 days") as advance:
                engine.ingest(files.after, progress=advance)
            learned = engine.learn(run_id)
            report = engine.evaluate(run_id)
    from zhanggui.evaluation.report import render_text

    console.rule("report")
    console.print(render_text(report, "en"), markup=False, highlight=False)
    for number, path in enumerate(sorted((folder / "outbox").glob("*.eml"))[:messages], 1):
        console.rule(f"message {number}")
        console.print(_read(path), markup=False, highlight=False)
    console.rule()
    console.print(
        f"{sink.received} messages arrived at the mail server in this run of the demo; every one is in {folder}/outbox",
        highlight=False,
    )
    console.print(
        f"{learned.learned} decisions taught the policy now (version {learned.policy_version})", highlight=False
    )
    if files_there and sink.received == 0:
        console.print("The same run again changed nothing and sent nothing.")
    console.print(f"{time.monotonic() - started:.0f} s, peak memory {_peak_mb():.0f} MB", highlight=False)


def _load(engine: "Engine", products: Path, consents: Path, events: Path) -> None:
    with progress("products") as advance:
        engine.load_products(products, form="jsonl", language="en", progress=advance)
    with progress("consents") as advance:
        engine.load_consents(consents, progress=advance)
    with progress("events") as advance:
        engine.ingest(events, progress=advance)
    with progress("compacting the event log", 1) as advance:
        engine.compact()
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
