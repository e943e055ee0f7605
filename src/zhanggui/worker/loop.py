"""The worker's loop: each step again and again, at an interval and in a thread of its own. Knows no step.

So a step that fails or takes long keeps no other waiting.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from zhanggui.errors import ZhangguiError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Something that a step did or failed at, worth telling the operator of."""

    step: str
    run_id: str = ""
    """The run that it is about, if it is about one."""
    problem: str = ""
    """Why it failed; "" when it did not."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a worker does by itself. Two workers may do it at once."""

    name: str
    seconds: float
    """Between the end of one time and the beginning of the next."""
    do: Callable[[], Iterable[Outcome]]


def work(steps: Sequence[Step], *, stop: threading.Event, tell: Callable[[Outcome], None]) -> None:
    """Do every step at once and then at its interval, until `stop` is set and each has ended; outcomes go to `tell`."""
    threads = [
        threading.Thread(target=_again_and_again, args=(step, stop, tell), name=f"worker: {step.name}")
        for step in steps
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _again_and_again(step: Step, stop: threading.Event, tell: Callable[[Outcome], None]) -> None:
    while not stop.is_set():
        try:
            for outcome in step.do():
                tell(outcome)
        except ZhangguiError as error:
            tell(Outcome(step=step.name, problem=str(error)))
        except Exception:  # whatever it is: the next time may go well, and nobody else would do it
            _log.exception("the step %r of the worker failed; it is tried again", step.name)
        stop.wait(step.seconds)
