"""The how-tos: the Chinese ones say to do what the English ones say, and what they say to type is what the program takes."""

import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from zhanggui.config import check
from zhanggui.llm.local import LocalModel
from zhanggui.llm.remote import RemoteModel

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto"
PAGES = sorted(HOWTO.glob("*.md"))
CHINESE = [page for page in PAGES if page.name.endswith(".zh-CN.md")]
ENGLISH = [page for page in PAGES if page not in CHINESE]


def fenced(page: Path, language: str = r"\w*") -> list[str]:
    """The page's blocks of code, of one language or of any."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[str]:
    """Its blocks of code, without comments, which are in the page's language."""
    return [re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE) for block in fenced(page)]


def commands(page: Path) -> Iterator[list[str]]:
    """What follows `zhanggui` wherever the page says to run it, in words, comments left out."""
    text = page.read_text(encoding="utf-8")
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    lines = [line for block in fenced(page, "sh") for line in block.splitlines()]
    for line in [*lines, *inline]:
        for part in re.split(r"&&|\|", line.partition(" #")[0]):
            if found := re.search(r"(?:^|\s)zhanggui\s+(.+)", part):
                yield [word for word in found[1].split() if word != "…"]


def known() -> dict[str, set[str]]:
    """Command -> its options, as the reference has them."""
    sections = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8").split("\n## `zhanggui ")[1:]
    return {
        re.split(r" [\[{]|`", section)[0]: {
            option
            for head in re.findall(r"^- `([^`]+)`", section, re.MULTILINE)
            for option in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", head)
        }
        for section in sections
    }


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.name)
def test_both_languages_give_the_same_code_and_name_each_other(page: Path) -> None:
    chinese = page.with_name(f"{page.stem}.zh-CN.md")
    assert chinese in CHINESE
    assert blocks(chinese) == blocks(page)
    assert f"[English]({page.name})" in chinese.read_text(encoding="utf-8")
    assert f"[中文]({chinese.name})" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [ROOT / "README.zh-CN.md", *CHINESE], ids=lambda page: page.name)
def test_chinese_pages_lead_to_chinese_howtos(page: Path) -> None:
    twin = page.with_name(page.name.replace(".zh-CN.md", ".md"))
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        place = (page.parent / target).resolve()
        assert place not in ENGLISH or place == twin, f"{page.name} leads to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_howtos_exist(page: Path) -> None:
    options = known()
    for words in commands(page):
        typed = " ".join(words[:2])
        short = "evaluate run" if words[0] == "evaluate" else words[0]
        name = typed if typed in options else short
        if words == [name] and any(one.startswith(f"{name} ") for one in options):
            continue  # a group of commands, spoken of
        assert name in options, f"{page.name}: zhanggui {' '.join(words)}"
        used = {word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)}
        assert used <= options[name], f"{page.name}: zhanggui {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_routes_in_howtos_exist(page: Path) -> None:
    routes = json.loads((ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))["paths"]
    there = {(verb.upper(), re.sub(r"{\w+}", "NAME", path)) for path, verbs in routes.items() for verb in verbs}
    for verb, path in re.findall(r"`(GET|POST|PUT|DELETE) (/v1/[^`]+)`", page.read_text(encoding="utf-8")):
        assert (verb, re.sub(r"(?<=/)[A-Z]+\b", "NAME", path)) in there, f"{page.name}: {verb} {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_models_in_howtos_can_be_set(page: Path) -> None:
    for block in fenced(page, "toml"):
        if block.startswith("[model]"):
            settings = check(tomllib.loads(block), source=page.name).model
            taken = inspect.signature({"local": LocalModel, "remote": RemoteModel}[settings.type]).parameters
            assert set(settings.options) <= set(taken), f"{page.name}: {block}"
