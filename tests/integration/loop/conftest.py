from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from zhanggui.delivery.channel import Channel
from zhanggui.engine import Engine
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock


@pytest.fixture
def open_sample(tmp_path: Path, sample_shop: Callable[[Path, datetime], SampleShop]) -> Iterator[Callable[..., Engine]]:
    """Opens the sample shop with fakes; the first time it is filled as well."""
    with ExitStack() as opened:

        def at(clock: FixedClock, *, model: FakeLLM, channels: Mapping[str, Channel]) -> Engine:
            if not (tmp_path / "shop").exists():
                sample_shop(tmp_path / "shop", clock())
            return opened.enter_context(Engine.open(tmp_path / "shop", model=model, channels=channels, clock=clock))

        yield at
