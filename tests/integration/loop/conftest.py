from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel


@pytest.fixture
def open_sample(tmp_path: Path) -> Iterator[Callable[[datetime, str], tuple[Engine, MemoryChannel]]]:
    """Opens the sample shop at a moment, with a model that knows one sentence and a channel that keeps what is sent."""
    with ExitStack() as opened:

        def at(now: datetime, sentence: str) -> tuple[Engine, MemoryChannel]:
            Engine.create(tmp_path / "shop")
            engine = opened.enter_context(Engine.open(tmp_path / "shop", clock=FixedClock(now)))
            engine.load_sample()
            channel = MemoryChannel()
            object.__setattr__(engine.parts, "channels", lambda: {"email": channel})
            object.__setattr__(engine.parts, "model", lambda: FakeLLM(sentence))
            return engine, channel

        yield at
