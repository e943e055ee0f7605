"""Times the assistant: processor seconds of a rule-worded answer with 20 conversations at once, on the sample shop.

Run `python benchmarks/conversation.py`; the limit is 60 ms at the 95th percentile.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zhanggui.engine import Engine

_SCRIPTS = (
    ("你好，想买条羊毛围巾", "有便宜点的吗", "换成真丝的", "这个还有货吗", "几天能到", "谢谢"),
    ("do you have mugs?", "under 100", "what are they made of?", "compare the first two", "how can I pay?", "thanks"),
    ("随便看看", "茶吧", "不要普洱", "第二个多少钱", "买了不喜欢可以退吗", "都可以，你定吧"),
    ("where is my order?", "scarves, but not silk", "oh, silk is fine", "I'll take the first one", "bye"),
)


def main() -> None:
    """Hold the conversations and print the percentiles; exit 1 over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=20, help="at once")
    parser.add_argument("--rounds", type=int, default=3, help="scripts that each holds")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="milliseconds of processor time at the 95th percentile"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        Engine.create(shop)
        with Engine.open(shop) as engine:
            engine.load_sample()
            engine.conversations.turn(engine.conversations.start().conversation_id, "hello")  # opens the index
            began, used = time.perf_counter(), time.process_time()
            times = [
                one for each in _at_once(asked.conversations, lambda n: _hold(engine, n, asked.rounds)) for one in each
            ]
            wall, processor = time.perf_counter() - began, time.process_time() - used
    times.sort()
    p50, p95 = statistics.median(times) * 1e3, times[int(len(times) * 0.95)] * 1e3
    sys.stdout.write(
        f"{len(times)} turns of {asked.conversations} conversations at once: p50 {p50:.1f} ms, p95 {p95:.1f} ms of "
        f"processor time, {processor / len(times) * 1e3:.1f} ms a turn in all, {len(times) / wall:.0f} turns/s\n"
    )
    sys.exit(p95 > asked.limit)


def _at_once(count: int, hold: Callable[[int], list[float]]) -> list[list[float]]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(hold, range(count)))


def _hold(engine: Engine, number: int, rounds: int) -> list[float]:
    """The processor seconds of each turn of this thread."""
    assert threading.current_thread() is not threading.main_thread()
    times = []
    for turn in range(rounds):
        talk = engine.conversations.start(seed=str(number)).conversation_id
        for text in _SCRIPTS[(number + turn) % len(_SCRIPTS)]:
            began = time.thread_time()
            engine.conversations.turn(talk, text)
            times.append(time.thread_time() - began)
    return times


if __name__ == "__main__":
    main()
