"""`zhanggui worker`, and the worker that `zhanggui serve` keeps beside its door."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zhanggui.cli.output import ShopOption, either, errors, opened, say, show

if TYPE_CHECKING:
    from zhanggui.engine import Engine
    from zhanggui.worker import Outcome

_STEPS = {"compact": "整理", "build": "画像", "resume": "续跑", "send": "投递", "advance": "推进", "prune": "清理"}


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(worker)


def worker(shop: ShopOption = Path()) -> None:
    """Work by itself until interrupted: compact the event log, build profiles, walk on with runs that were cut off, send what
    is due, move customers on in flows, remove old snapshots. Many may stand beside one database; `zhanggui serve` keeps one.
    """
    import signal
    import threading

    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    with opened(shop) as engine, working(engine):
        say("at work; Ctrl-C ends it", "已开始工作；按 Ctrl-C 结束")
        stop.wait()


@contextmanager
def working(engine: "Engine") -> Iterator[None]:
    """A worker stands beside the block. When that ends, what is under way is left to another worker, or to the next one."""
    import threading

    from zhanggui.worker import steps, work

    stop = threading.Event()
    thread = threading.Thread(target=work, args=(steps(engine),), kwargs={"stop": stop, "tell": _tell}, name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        engine.runs.stop()
        thread.join()


def _tell(outcome: "Outcome") -> None:
    text = outcome.problem or either(
        f"run {outcome.run_id} was cut off; it goes on", f"运行 {outcome.run_id} 曾中断，现在接着跑"
    )
    show(f"{either(f'{outcome.step}: ', f'{_STEPS[outcome.step]}：')}{text}", to=errors)
