"""Commands about the shop as a whole: init, check, decide, write, serve."""

import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    MomentOption,
    ShopOption,
    as_of,
    errors,
    language_named,
    moment_named,
    opened,
    say,
    settings,
    show,
    show_json,
    spoken,
)
from zhanggui.cli.setup import show_setup, warn_of_keys
from zhanggui.cli.worker import worker_beside

if TYPE_CHECKING:
    from starlette.applications import Starlette


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (init, check, decide, write, serve):
        app.command()(command)


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder for the shop.")],
    sample: Annotated[bool, typer.Option("--sample", help="Fill it with a small bilingual sample shop.")] = False,
    seed: Annotated[int, typer.Option(help="Of the sample's customers.")] = 7,
    language: Annotated[str, typer.Option("--language", help="Of the shop, and so of its answers: en or zh.")] = "zh",
) -> None:
    """Set up a shop: its folder, its zhanggui.toml, and, if wanted, sample data."""
    from zhanggui.engine import Engine

    Engine.create(folder, language=language_named(language))
    settings(folder)  # it speaks already
    say(f"{folder}/zhanggui.toml is there; look through it", f"{folder}/zhanggui.toml 已建好，请过目")
    if sample:
        with opened(folder) as engine:
            made = engine.load_sample(seed=seed)
        products, customers, events = (made.counts[name] for name in ("products", "customers", "events"))
        say(
            f"{products} products, {customers} customers, {events} events. Next:\n"
            f"  zhanggui campaign run welcome-back -C {folder}",
            f"{products} 件商品，{customers} 位顾客，{events} 条事件。下一步：\n"
            f"  zhanggui campaign run welcome-back -C {folder}",
        )


def check(shop: ShopOption = Path()) -> None:
    """Read the settings, open the database, and say what is set up; exit 1 when customers could not be written to so."""
    with opened(shop) as engine:
        setup = engine.setup()
        show_setup(setup)
        warn_of_keys(engine.keys.of_servers())
    if setup.problems:
        raise typer.Exit(1)


def decide(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    campaign: Annotated[str, typer.Option("--campaign", help="Which campaign decides.")],
    shop: ShopOption = Path(),
    at: MomentOption = None,
    language: LanguageOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the candidates and what forbade each.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What a campaign would do for a customer, and why. Nothing is logged or sent."""
    with opened(shop) as engine:
        # A program that reads JSON gets the same in every shop and environment.
        words = language_named(language or "en") if as_json else spoken()
        explained = engine.campaigns.explain(campaign, [customer_id], moment=moment_named(at), language=words)[0]
    if as_json:
        show_json(asdict(explained))
    else:
        show(explained.explanation if explain else explained.summary)
        show(as_of(explained.as_of))


def write(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    campaign: Annotated[str, typer.Option("--campaign", help="Which campaign writes.")],
    shop: ShopOption = Path(),
    at: MomentOption = None,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """The message that a customer would get, with its proof record. Nothing is sent."""
    with opened(shop) as engine:
        preview = engine.campaigns.preview(campaign, [customer_id], moment=moment_named(at))
    if as_json:
        show_json([asdict(message) for message in preview.messages])
    elif not preview.messages:
        more = f"zhanggui decide {customer_id} --campaign {campaign} --explain"
        say(f"no message; {more} --language en says why", f"没有消息；原因见 {more} --language zh")
    else:
        show(f"{preview.messages[0].subject}\n\n{preview.messages[0].body}")
        show(as_of(preview.as_of), to=errors)


def serve(
    shop: ShopOption = Path(),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8600,
) -> None:
    """Serve the HTTP API until interrupted, and work beside it as `zhanggui worker` does: send messages as they become due
    (after quiet hours, for example), and walk on with runs that a stop or a crash cut off. Where the library `mcp` is
    installed, other assistants find the shop at /mcp and /.well-known/ucp.
    """
    from importlib.util import find_spec

    from zhanggui.api import create_app, server

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # once the server has shut down
    with opened(shop) as engine, worker_beside(shop):
        app: Starlette = create_app(engine)
        if find_spec("mcp"):
            from zhanggui.mcp.http import with_tools

            app = with_tools(engine, app)
        server.run(app, engine.config.api, host=host, port=port)
