"""`zhanggui policies`: the pages that say what the shop promises."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import JsonOption, LanguageOption, ShopOption, errors, opened, say, show, show_json, spoken


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(policies)


def policies(
    text: Annotated[str | None, typer.Argument(help="What to look for; default: list every section.")] = None,
    shop: ShopOption = Path(),
    limit: Annotated[int, typer.Option(help="So many sections at most.")] = 3,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sections of the policy pages, or those that say something about a text; exit 1 when a page cannot be read."""
    with opened(shop) as engine:
        pages = engine.service.pages
        sections = pages.sections() if text is None else engine.service.policies(text, spoken(), limit=limit)
        problems = pages.problems()
    if as_json:
        show_json([{**asdict(section), "citation": section.citation} for section in sections])
    elif text is None:
        for section in sections:
            show(f"{section.citation}  [{section.language}]  {section.heading}")
    else:
        for section in sections:
            show(f"{section.citation}  {section.heading}\n{section.text}\n")
    if not sections and not as_json:
        folder = pages.folder
        say(f"nothing about it in {folder}", f"{folder} 里没有相关内容", to=errors)
    for problem in problems:
        say(f"a page was left out: {problem}", f"有一页没有读入：{problem}", to=errors, style="yellow")
    if problems:
        raise typer.Exit(1)
