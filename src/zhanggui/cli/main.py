"""The program `zhanggui`: its commands and how an error ends it (exit code 1, one sentence, no traceback)."""

import errno
import sys
from typing import Annotated

import typer

from zhanggui.cli import campaign, classify, corpus, data, demo, evaluate, event, generate, key, model, shop, train
from zhanggui.cli.output import errors
from zhanggui.errors import ZhangguiError

app = typer.Typer(
    name="zhanggui",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    help="Zhanggui (掌柜): knows every customer, decides who should hear what, writes the words, sends them once, learns.",
)
app.add_typer(event.app, name="events")
app.add_typer(campaign.app, name="campaign")
app.add_typer(key.app, name="key")
app.add_typer(corpus.app, name="corpus")
app.add_typer(train.app, name="train")
model.app.command()(generate.generate)
model.app.command()(classify.classify)
app.add_typer(model.app, name="model")
app.add_typer(evaluate.app, name="evaluate")
for register in (shop.register, data.register, demo.register):
    register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("zhanggui"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except ZhangguiError as error:
        errors.print(f"[bold red]zhanggui:[/] {_plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f"{error.filename}: " if error.filename else ""
        problem = f"{where}no space is left on the disk; make room, then run the same command again"
        errors.print(f"[bold red]zhanggui:[/] {_plain(problem)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
