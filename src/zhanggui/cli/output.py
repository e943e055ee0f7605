"""How the command line speaks: one console, one language at a time, one kind of progress bar.

What an operator reads is said in both languages at one place, by `say` or `either`; `show` shows what is data.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from zhanggui.errors import InputError, TrainingError

if TYPE_CHECKING:
    from zhanggui.catalog.product import Language
    from zhanggui.config import Config
    from zhanggui.engine import Engine
    from zhanggui.storage import RejectFile

LANGUAGE = "ZHANGGUI_LANGUAGE"
console = Console()
errors = Console(stderr=True)

ShopOption = Annotated[
    Path, typer.Option("--shop", "-C", envvar="ZHANGGUI_SHOP", help="The shop's folder, with its zhanggui.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MomentOption = Annotated[
    str | None, typer.Option("--at", help="As of this moment (ISO 8601, UTC unless it says otherwise).")
]

Advance = Callable[[int], None]
_languages: dict[str, "Language"] = {}
"""Of the command that runs: what was `asked` for, and what the `shop` speaks."""


def begin() -> None:
    """A command begins: what an earlier one spoke is forgotten, and the environment is asked."""
    _languages.clear()
    _asked(os.environ.get(LANGUAGE) or None, LANGUAGE)


def spoken() -> "Language":
    """The language to answer in: `--language`, else ZHANGGUI_LANGUAGE, else that of the shop which is open, else English."""
    return _languages.get("asked") or _languages.get("shop") or "en"


def language_named(value: str, where: str = "--language") -> "Language":
    """The language that an operator names. Raises BadParameter for another one."""
    if value not in ("en", "zh"):
        raise typer.BadParameter("en or zh", param_hint=where)
    return "zh" if value == "zh" else "en"


def _asked(value: str | None, where: str) -> str | None:
    if value is not None:
        _languages["asked"] = language_named(value, where)
    return value


def _option(value: str | None) -> str | None:
    return _asked(value, "--language")


LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language",
        callback=_option,
        help=f"Language of the answer: en or zh; default: that of {LANGUAGE}, or else the shop's.",
    ),
]


def moment_named(text: str | None) -> datetime | None:
    """The moment that an operator names in ISO 8601, in UTC unless it says otherwise. Raises InputError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no moment", hint="such as 2026-01-31T12:00:00+08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_of(moment: datetime, events_since: int = 0) -> str:
    """Of when what a command shows is, and what it does not know yet."""
    when = f"{moment:%Y-%m-%d %H:%M} UTC"
    if not events_since:
        return either(f"as of {when}", f"截至 {when}")
    return either(
        f"as of {when}; events since: {events_since}, which `zhanggui profiles` takes in",
        f"截至 {when}；此后又收到 {events_since} 条事件，`zhanggui profiles` 会把它们算进来",
    )


def either(english: str, chinese: str) -> str:
    """Of two texts that say the same, the one that the operator reads."""
    return chinese if spoken() == "zh" else english


def say(english: str, chinese: str, *, to: Console = console, style: str | None = None) -> None:
    """Print one of two texts that say the same."""
    show(either(english, chinese), to=to, style=style)


def show(data: Any, *, to: Console = console, style: str | None = None) -> None:
    """Print data as they are: a name, a path, what an engine has put into words. Lines are not broken."""
    to.print(data, markup=False, highlight=False, soft_wrap=isinstance(data, str), style=style)


def padded(text: str, width: int) -> str:
    """`text` with blanks to so many cells of a terminal; a Chinese character takes two."""
    from rich.cells import cell_len

    return text + " " * (width - cell_len(text))


def say_rejected(rejects: "RejectFile") -> None:
    """Tell of rows that were refused, beside an answer that goes to standard output."""
    if rejects.count:
        say(
            f"{rejects.count} rows rejected: {rejects.path} says why",
            f"{rejects.count} 行被拒收，原因见 {rejects.path}",
            to=errors,
        )


def report_rejects(count: int, path: Path | None) -> None:
    """Tell how many rows were refused, and where they are."""
    if count:
        say(
            f"{count} rows were refused; each with its reason in {path}",
            f"{count} 行被拒收，原因逐行写在 {path}",
            style="yellow",
        )


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
        _languages["shop"] = engine.config.shop.language
        yield engine


def settings(shop: Path) -> "Config":
    """The settings of a shop, where a command needs no more of it."""
    from zhanggui.config import load

    found = load(shop)
    _languages["shop"] = found.shop.language
    return found


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
    """Progress of a run: one bar a step, opened when the step first speaks. `chinese` names the steps in Chinese."""

    def __init__(self, chinese: Mapping[str, str]) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
        )
        self._tasks: dict[str, Any] = {}
        self._chinese = chinese

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """`done` more of `step`; `total` when it is known."""
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(either(step, self._chinese.get(step, step)), total=total)
        self._bar.update(self._tasks[step], advance=done, total=total)

    def __enter__(self) -> "Stages":
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)


def show_json(value: Any) -> None:
    """Plain JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
