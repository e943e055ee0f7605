"""The recipes of the how-to sign tokens that open orders."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.service.visitor_token import read

PAGE = (Path(__file__).parents[3] / "docs/howto/orders.md").read_text(encoding="utf-8")
SECRET = "of the shop"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def opened(token: str) -> str:
    return read(token, SECRET, now=datetime.now(UTC), longest=timedelta(hours=24))


def test_the_python_recipe_signs_a_good_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHANGGUI_VISITOR_SECRET", SECRET)
    names: dict[str, object] = {}
    exec(block("python"), names)
    assert opened(names["visitor_token"]("顾客 7")) == "顾客 7"  # type: ignore[operator]


def test_the_node_recipe_signs_a_good_token() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("the program node is not on PATH")
    code = block("js") + '\nprocess.stdout.write(visitorToken("顾客 7"))'
    environment = {"ZHANGGUI_VISITOR_SECRET": SECRET}
    done = subprocess.run([node, "-e", code], capture_output=True, text=True, check=True, env=environment)
    assert opened(done.stdout) == "顾客 7"
