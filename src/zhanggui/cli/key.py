"""`zhanggui key …`: API keys."""

from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import ShopOption, either, opened, padded, say, show

app = typer.Typer(no_args_is_help=True, help="API keys of the HTTP server.")


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="What it is for.")],
    shop: ShopOption = Path(),
    scope: Annotated[
        str,
        typer.Option(
            help="write (sends events; public, for web pages and apps), chat (talks with the assistant; public too), server "
            "(sends events that are believed; for your own programs) or admin (everything)."
        ),
    ] = "write",
) -> None:
    """Make a key and print it. It is stored hashed and cannot be shown again."""
    from zhanggui.access import scope_named

    chosen = scope_named(scope)
    if chosen is None:
        raise typer.BadParameter("write, chat, server or admin", param_hint="--scope")
    with opened(shop) as engine:
        typer.echo(engine.keys.create(label, scope=chosen))


@app.command("list")
def list_keys(shop: ShopOption = Path()) -> None:
    """Every key: id, scope, label, when it was made and closed."""
    with opened(shop) as engine:
        for one in engine.keys.all():
            state = either("open", "有效")
            if one.revoked_at:
                state = f"{either('closed', '已停用')} {one.revoked_at:%Y-%m-%d}"
            show(f"{one.key_id}  {one.scope:<6} {one.created_at:%Y-%m-%d}  {padded(state, 18)} {one.label}")


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id.")], shop: ShopOption = Path()) -> None:
    """Close a key for good."""
    with opened(shop) as engine:
        engine.keys.revoke(key_id)
    say(f"{key_id} is closed", f"{key_id} 已停用")


@app.command("visitor-secret")
def visitor_secret(shop: ShopOption = Path()) -> None:
    """Print the secret with which the shop's own server signs visitor tokens. Keep it there: it opens every order."""
    with opened(shop) as engine:
        typer.echo(engine.service.visitor_secret)


@app.command("visitor-token")
def visitor_token(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    shop: ShopOption = Path(),
    hours: Annotated[float, typer.Option(help="So long it is valid.")] = 1.0,
) -> None:
    """Print a visitor token for a customer, as the shop's own server would sign it; to try out what it opens."""
    with opened(shop) as engine:
        typer.echo(engine.service.sign_visitor(customer_id, hours=hours))
