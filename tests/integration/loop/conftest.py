from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from zhanggui.delivery.channel import Channel
from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM, FixedClock


@pytest.fixture
def open_sample(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Opens the sample shop with fakes; the first time it is filled as well."""
    with ExitStack() as opened:

        def at(clock: FixedClock, *, model: FakeLLM, channels: Mapping[str, Channel]) -> Engine:
            new = not (tmp_path / "shop").exists()
            if new:
                Engine.create(tmp_path / "shop")
            engine = opened.enter_context(Engine.open(tmp_path / "shop", model=model, channels=channels, clock=clock))
            if new:
                engine.load_sample()
            return engine

        yield at
