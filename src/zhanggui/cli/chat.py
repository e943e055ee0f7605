"""`zhanggui chat`: talk with the shop's assistant in the terminal, or pipe turns into it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import LanguageOption, ShopOption, console, either, opened, say, show, spoken

if TYPE_CHECKING:
    from zhanggui.engine import Engine

_WHY, _QUIT = "/why", "/quit"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(chat)


def chat(
    shop: ShopOption = Path(),
    language: LanguageOption = None,
    customer: Annotated[str, typer.Option(help="Talk as this customer, logged in; default: an unknown visitor.")] = "",
    seed: Annotated[str, typer.Option(help="The same seed chooses the same wordings.")] = "",
) -> None:
    """Talk with the shop's assistant. /why shows what it believes and why, /quit ends. From a pipe, each line is a turn."""
    with opened(shop) as engine:
        token = engine.service.sign_visitor(customer) if customer else ""
        conversation = engine.conversations.start(
            visitor_token=token, door="terminal", language=spoken() if language else None, seed=seed
        )
        typed = sys.stdin.isatty()
        if typed:
            say("/why shows what is believed and why; /quit ends.", "/why 看它的判断和理由；/quit 结束。")
        for text in _turns(typed=typed):
            if text == _WHY:
                show_why(engine, conversation.conversation_id)
                continue
            if not typed:
                show(f"> {text}")
            for line in engine.conversations.turn(conversation.conversation_id, text).answer.splitlines():
                show(line)  # as it comes


def _turns(*, typed: bool) -> Iterator[str]:
    """What is typed or piped, line by line, to the end or to /quit; empty lines are no turns."""
    while True:
        if typed:
            try:
                line = console.input("> ")
            except (EOFError, KeyboardInterrupt):
                return
        else:
            line = sys.stdin.readline()
            if not line:
                return
        if line.strip() == _QUIT:
            return
        if line.strip():
            yield line.strip()


def show_why(engine: "Engine", conversation_id: str) -> None:
    """The state's fields that are set, and each change with its reason."""
    from dataclasses import asdict

    from rich.table import Table

    table = Table(either("field", "字段"), either("value", "值"), either("because", "理由"))
    state = asdict(engine.conversations.state(conversation_id))
    reasons = {change.field: change.reason for change in engine.conversations.why(conversation_id)}
    for name, value in state.items():
        if name in reasons:
            table.add_row(*(_plain(one) for one in (name, value, reasons[name])))
    console.print(table)


def _plain(value: object) -> str:
    from rich.markup import escape

    return escape(str(value))
