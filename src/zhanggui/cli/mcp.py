"""`zhanggui mcp`: the shop for another assistant, over standard input and output."""

from pathlib import Path

import typer

from zhanggui.cli.output import ShopOption, opened


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(mcp)


def mcp(shop: ShopOption = Path()) -> None:
    """Let another assistant read this shop over standard input and output (Model Context Protocol): search the catalogue, look
    products up, cite the policies, show an order to who proves that it is theirs. `zhanggui serve` answers the same at /mcp.
    """
    from zhanggui.mcp.server import serve_stdio

    with opened(shop) as engine:
        serve_stdio(engine)
