"""The program `zhanggui`: its commands and how an error ends it (exit code 1, one sentence, no traceback)."""

import errno
import sys
from typing import Annotated, NoReturn

import typer

from zhanggui.cli import (
    campaign,
    catalog,
    chat,
    classify,
    corpus,
    data,
    demo,
    evaluate,
    event,
    flow,
    generate,
    key,
    mcp,
    model,
    order,
    policies,
    shop,
    train,
    understand,
    worker,
)
from zhanggui.cli.output import begin, errors
from zhanggui.errors import ZhangguiError

# What a disk or its rights may refuse at any place, and what to do. Any other error of a file is ours.
_DISK = {
    errno.EACCES: "let this user read and write there",
    errno.EPERM: "let this user read and write there",
    errno.EROFS: "name a folder that can be written",
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within your quota",
}

app = typer.Typer(
    name="zhanggui",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    help="Zhanggui (掌柜): knows every customer, decides who should hear what, writes the words, sends them once, learns.",
)
app.add_typer(event.app, name="events")
app.add_typer(campaign.app, name="campaign")
app.add_typer(flow.app, name="flow")
app.add_typer(catalog.app, name="catalog")
app.add_typer(key.app, name="key")
app.add_typer(order.app, name="orders")
app.add_typer(corpus.app, name="corpus")
app.add_typer(train.app, name="train")
model.app.command()(generate.generate)
model.app.command()(classify.classify)
app.add_typer(model.app, name="model")
app.add_typer(evaluate.app, name="evaluate")
for register in (
    shop.register,
    understand.register,
    worker.register,
    data.register,
    policies.register,
    chat.register,
    demo.register,
    mcp.register,
):
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
    begin()


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except ZhangguiError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in _DISK:
            raise
        _fail(f"{error.filename or 'a file'} cannot be used: {error.strerror}; {_DISK[error.errno]}, and try again")


def _fail(problem: str) -> NoReturn:
    errors.print(f"[bold red]zhanggui:[/] {_plain(problem)}", highlight=False, soft_wrap=True)
    sys.exit(1)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
