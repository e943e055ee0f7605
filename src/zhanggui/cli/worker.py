"""`zhanggui worker`, and the worker that `zhanggui serve` keeps in a process of its own beside its door."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zhanggui.cli.output import ShopOption, begin, either, errors, opened, say, show

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from zhanggui.engine import Engine
    from zhanggui.worker import Outcome

_STEPS = {
    "compact": "整理",
    "build": "画像",
    "resume": "续跑",
    "send": "投递",
    "advance": "推进",
    "index": "索引",
    "prune": "清理",
    "hand over": "转人工",
}
_LOOK_SECONDS = 5.0
"""How long a worker that died stays unnoticed."""


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(worker)


def worker(shop: ShopOption = Path()) -> None:
    """Work by itself until interrupted: compact the event log, build profiles, walk on with runs that were cut off, send what
    is due, move customers on in flows, remove old snapshots. Many may stand beside one database; `zhanggui serve` keeps one.
    """
    with opened(shop) as engine:
        say("at work; Ctrl-C ends it", "已开始工作；按 Ctrl-C 结束")
        _work(engine, stop=threading.Event())


@contextmanager
def worker_beside(shop: Path) -> Iterator[None]:
    """A worker in a process of its own beside the block, begun again should it die: what it computes holds up no answer here.

    When the block ends, or this process by whatever cause, what is under way is left to another worker, or to the next one.
    """
    ended = threading.Event()
    process = _begun(shop)

    def keep() -> None:
        nonlocal process
        while not ended.wait(_LOOK_SECONDS):
            if not process.is_alive():
                english = f"the worker ended with {process.exitcode}; another begins"
                show(either(english, f"工作进程已退出（{process.exitcode}），现在另起一个"), to=errors)
                process = _begun(shop)

    keeper = threading.Thread(target=keep, name="keeper of the worker")
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        process.terminate()
        process.join()


def _begun(shop: Path) -> "SpawnProcess":
    process = multiprocessing.get_context("spawn").Process(target=_work_beside_parent, args=(shop,), name="worker")
    process.start()
    return process


def _work_beside_parent(shop: Path) -> None:
    parent, stop = multiprocessing.parent_process(), threading.Event()
    assert parent is not None

    def stop_with_parent() -> None:
        parent.join()
        stop.set()

    threading.Thread(target=stop_with_parent, daemon=True).start()
    begin()
    with opened(shop) as engine:
        _work(engine, stop=stop)


def _work(engine: "Engine", *, stop: threading.Event) -> None:
    """Work until `stop` is set, or a signal asks for it."""
    from zhanggui.worker import steps, work

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    thread = threading.Thread(target=work, args=(steps(engine),), kwargs={"stop": stop, "tell": _tell}, name="worker")
    thread.start()
    stop.wait()
    engine.runs.stop()
    thread.join()


def _tell(outcome: "Outcome") -> None:
    text = outcome.problem or either(
        f"run {outcome.run_id} was cut off; it goes on", f"运行 {outcome.run_id} 曾中断，现在接着跑"
    )
    show(f"{either(f'{outcome.step}: ', f'{_STEPS[outcome.step]}：')}{text}", to=errors)
