"""The Chinese how-tos say to do what the English ones say."""

import re
from pathlib import Path

import pytest

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
CHINESE = sorted(HOWTO.glob("*.zh-CN.md"))


def blocks(page: Path) -> list[str]:
    """Its blocks of code, without comments, which are in the page's language."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE) for block in found]


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_both_languages_give_the_same_code_and_name_each_other(page: Path) -> None:
    english = page.with_name(page.name.replace(".zh-CN.md", ".md"))
    assert blocks(page) == blocks(english)
    assert f"[English]({english.name})" in page.read_text(encoding="utf-8")
    assert f"[中文]({page.name})" in english.read_text(encoding="utf-8")
