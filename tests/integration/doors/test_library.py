"""The how-to for programmers: what it says to write does what it says."""

import re
from pathlib import Path

import pytest

from zhanggui import Engine

HOWTO = Path(__file__).parents[3] / "docs" / "howto"


@pytest.mark.parametrize("page", ["library.md", "library.zh-CN.md"])
def test_the_programs_of_the_howto_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", (HOWTO / page).read_text(encoding="utf-8"), re.DOTALL)
    told: list[object] = []

    def create(folder: Path, **settings: str) -> None:
        """Sets the shop up without a model, whose weights take their time: templates will do."""
        Engine.create(folder, **settings)
        with (folder / "zhanggui.toml").open("a") as file:
            file.write("[model]\nlanguages = []\n")

    exec(first.replace("Engine.create(", "create("), {"print": told.append, "create": create})
    members, addresses, summary, state = told
    assert isinstance(members, int)
    assert members > 100
    assert "@" in str(addresses)
    assert "chosen with probability" in str(summary) or "no message" in str(summary)
    assert state in ("waiting", "done")
    exec(second, {})
