"""What a worker does for a shop: compact, build, resume, send, advance, index, prune, hand over. Each is one verb of the engine.

Safe to do twice. Not due is no error: a build is left out while a fresh snapshot is there, whoever built it.
"""

from collections.abc import Iterator
from datetime import timedelta

from zhanggui.engine import Engine
from zhanggui.worker.loop import Outcome, Step


def steps(engine: Engine) -> list[Step]:
    """The steps of a shop, at the intervals of its settings."""
    settings = engine.config.worker

    def compact() -> Iterator[Outcome]:
        engine.events.compact()
        yield from ()

    def build() -> Iterator[Outcome]:
        engine.profiles.refresh(after=timedelta(seconds=settings.build_seconds))
        yield from ()

    def resume() -> Iterator[Outcome]:
        for run_id in engine.runs.go_on():
            yield Outcome(step="resume", run_id=run_id)

    def send() -> Iterator[Outcome]:
        problems: list[str] = []
        engine.runs.deliver_due(say=problems.append)
        for problem in problems:
            yield Outcome(step="send", problem=problem)

    def advance() -> Iterator[Outcome]:
        problems: list[str] = []
        engine.flows.advance(say=problems.append)
        for problem in problems:
            yield Outcome(step="advance", problem=problem)

    def prune() -> Iterator[Outcome]:
        engine.profiles.prune(keep=settings.keep_snapshots, named=engine.runs.snapshots_in_progress())
        engine.conversations.prune()
        yield from ()

    def hand_over() -> Iterator[Outcome]:
        engine.conversations.tell_hand_overs()
        yield from ()

    def index() -> Iterator[Outcome]:
        engine.catalog.refresh_search()
        yield from ()

    return [
        Step(name="compact", seconds=settings.compact_seconds, do=compact),
        Step(name="build", seconds=settings.build_seconds, do=build),
        Step(name="resume", seconds=settings.resume_seconds, do=resume),
        Step(name="send", seconds=settings.send_seconds, do=send),
        Step(name="advance", seconds=settings.advance_seconds, do=advance),
        Step(name="index", seconds=settings.index_seconds, do=index),
        Step(name="prune", seconds=settings.prune_seconds, do=prune),
        Step(name="hand over", seconds=settings.send_seconds, do=hand_over),
    ]
