"""`zhanggui corpus build`: texts in, a clean and split corpus with its data card out."""

from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import console

app = typer.Typer(no_args_is_help=True, help="Make a corpus to train on.")


@app.callback()
def _root() -> None:
    """Make a corpus to train on."""


@app.command()
def build(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSONL or Parquet files.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the corpus.")],
    text: Annotated[str, typer.Option("--text", help="Column of the text.")] = "text",
    group: Annotated[str, typer.Option("--group", help="Column of what it is about; never divided by the split.")] = "",
    label: Annotated[str, typer.Option("--label", help="Column of its class.")] = "",
    identity: Annotated[str, typer.Option("--id", help="Column of its id.")] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="Column that stays beside the text, such as the prompt that it answers; may be given again."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Fixes the split.")] = 7,
) -> None:
    """Clean, mask personal data, drop duplicates, split 8:1:1, write a data card. Bad rows go to rejects.jsonl."""
    from zhanggui.corpus import build as builder
    from zhanggui.corpus.read import Columns

    columns = Columns(text=text, group=group, label=label, id=identity, keep=tuple(keep or ()))
    with console.status("building the corpus"):
        made = builder.build(files, columns, out, seed=seed)
    for name, value in made.card.items():
        console.print(f"{name}: {value}", markup=False, highlight=False)
