"""`zhanggui events …`: the event log."""

from pathlib import Path

import typer

from zhanggui.cli.output import ShopOption, opened, say

app = typer.Typer(no_args_is_help=True, help="The event log.")


@app.command()
def compact(shop: ShopOption = Path()) -> None:
    """Move rows from the hot SQL table into Parquet partitions by day, in one crash-safe step."""
    with opened(shop) as engine:
        done = engine.events.compact()
    say(
        f"{done.moved} events moved into {done.files} Parquet files",
        f"{done.moved} 条事件移入 {done.files} 个 Parquet 文件",
    )
