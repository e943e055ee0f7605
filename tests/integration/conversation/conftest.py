"""One shop with an assistant for the tests of a module."""

from collections.abc import Iterator

import pytest

from talking_shop import talking_shop
from zhanggui.engine import Engine


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with talking_shop(tmp_path_factory.mktemp("talk") / "shop") as engine:
        yield engine
