"""`zhanggui key …`: API keys."""

from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.output import ShopOption, console, opened

app = typer.Typer(no_args_is_help=True, help="API keys of the HTTP server.")


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="What it is for.")],
    shop: ShopOption = Path(),
    scope: Annotated[str, typer.Option(help="write (may send events) or admin (everything).")] = "write",
) -> None:
    """Make a key and print it. It is stored hashed and cannot be shown again."""
    if scope not in ("write", "admin"):
        raise typer.BadParameter("write or admin", param_hint="--scope")
    with opened(shop) as engine:
        typer.echo(engine.create_key(label, scope="admin" if scope == "admin" else "write"))


@app.command("list")
def list_keys(shop: ShopOption = Path()) -> None:
    """Every key: id, scope, label, when it was made and closed."""
    with opened(shop) as engine:
        for one in engine.keys():
            state = f"closed {one.revoked_at:%Y-%m-%d}" if one.revoked_at else "open"
            console.print(
                f"{one.key_id}  {one.scope:<6} {one.created_at:%Y-%m-%d}  {state:<18} {one.label}", markup=False
            )


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id.")], shop: ShopOption = Path()) -> None:
    """Close a key for good."""
    with opened(shop) as engine:
        engine.revoke_key(key_id)
    console.print(f"{key_id} is closed")
