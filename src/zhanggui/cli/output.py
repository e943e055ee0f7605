"""How the command line speaks: one console, one kind of progress bar, one way to report an error."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from zhanggui.errors import TrainingError

if TYPE_CHECKING:
    from zhanggui.engine import Engine

console = Console()
errors = Console(stderr=True)

ShopOption = Annotated[
    Path, typer.Option("--shop", "-C", envvar="ZHANGGUI_SHOP", help="The shop's folder, with its zhanggui.toml.")
]
LanguageOption = Annotated[str, typer.Option("--language", help="Language of the answer: en or zh.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MomentOption = Annotated[
    str | None, typer.Option("--at", help="As of this moment (ISO 8601, UTC unless it says otherwise).")
]

Advance = Callable[[int], None]


@contextmanager
def training_libraries() -> Iterator[None]:
    """Around what needs the extra `train`: a library that is missing is said with how to install it.

    What these libraries warn of is meant for those who program with them; the operator of this command can't act on it.
    """
    warnings.filterwarnings("ignore", module=r"(transformers|peft|trl|accelerate)\b")
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; run: pip install 'zhanggui[train]'") from error


@contextmanager
def opened(shop: Path) -> Iterator["Engine"]:
    """The engine of a shop, closed at the end."""
    from zhanggui.engine import Engine

    with Engine.open(shop) as engine:
        yield engine


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar; the block gets a function that moves it on by n."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.update(task, advance=count)
        if total is None:
            bar.update(task, total=bar.tasks[task].completed)


class Stages:
    """Progress of a run: one bar a step, opened when the step first speaks."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
        )
        self._tasks: dict[str, Any] = {}

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """`done` more of `step`; `total` when it is known."""
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=total)
        self._bar.update(self._tasks[step], advance=done, total=total)

    def __enter__(self) -> "Stages":
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)


def show_json(value: Any) -> None:
    """Plain JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
