"""`zhanggui orders …`: what customers bought, and what was asked of the service desk."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    ShopOption,
    either,
    opened,
    progress,
    report_rejects,
    say,
    show,
    show_json,
)
from zhanggui.errors import NotFoundError

if TYPE_CHECKING:
    from zhanggui.service.desk_actions import DeskAction
    from zhanggui.service.order import Order

app = typer.Typer(no_args_is_help=True, help="Orders, and what was done with them at the service desk.")
_STATES = {
    "pending": "待处理",
    "processed": "备货中",
    "shipped": "已发货",
    "delivered": "已送达",
    "cancelled": "已取消",
    "return requested": "申请退货",
    "exchange requested": "申请换货",
    "returned": "已退货",
    "refunded": "已退款",
}
_ACTIONS = {
    "cancel": ("cancel", "取消"),
    "change_address": ("change the address", "修改地址"),
    "return_items": ("return", "退货"),
    "exchange_items": ("exchange", "换货"),
}
_OUTCOMES = {"done": ("done", "已完成"), "refused": ("refused", "已拒绝"), "in_doubt": ("in doubt", "存疑")}
_PROOFS = {"token": ("visitor token", "访客令牌"), "order": ("number and address", "订单号与联系方式")}


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    shop: ShopOption = Path(),
    _language: LanguageOption = None,
) -> None:
    """Take in orders: JSON lines, one an order or what changed of one. Bad rows go to a reject file."""
    with opened(shop) as engine, progress(either("orders", "订单")) as advance:
        result = engine.service.load_orders(file, progress=advance)
    say(f"{result.taken} orders taken in", f"收录 {result.taken} 笔订单")
    report_rejects(result.rejected, result.rejects)


@app.command("show")
def show_order(
    number: Annotated[str, typer.Argument(help="The order's number, with or without #.")],
    shop: ShopOption = Path(),
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """An order as it stands, and what was asked of the service desk with it."""
    with opened(shop) as engine:
        orders = engine.service.find_order(number)
        if not orders:
            raise NotFoundError(f"there is no order {number!r}")
        actions = {order.order_id: engine.service.actions(order.order_id) for order in orders}
    if as_json:
        show_json([{**asdict(order), "actions": [asdict(one) for one in actions[order.order_id]]} for order in orders])
        return
    for order in orders:
        _order(order)
        _tell(actions[order.order_id])


@app.command()
def actions(
    shop: ShopOption = Path(),
    limit: Annotated[int, typer.Option(help="So many at most.")] = 20,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """What customers asked of the service desk last, with its outcome: look after those in doubt."""
    with opened(shop) as engine:
        latest = engine.service.actions(limit=limit)
    if as_json:
        show_json([asdict(one) for one in latest])
        return
    _tell(latest)
    if not latest:
        say("nothing was asked for yet", "还没有人提出过请求")


def _order(order: "Order") -> None:
    placed = f"{order.placed_at:%Y-%m-%d %H:%M} UTC"
    say(
        f"{order.order_id}: {order.state}, {order.total or '—'}, placed {placed} by {order.customer_id or '—'}",
        f"{order.order_id}：{_STATES[order.state]}，{order.total or '—'}，{order.customer_id or '—'} 于 {placed} 下单",
    )
    for line in order.lines:
        named = " ".join((line.title or line.product_id, *line.options.values()))
        show(f"  {line.quantity:g} × {named}  {line.price or ''}".rstrip())
    if order.address:
        show(f"  {', '.join(order.address.values())}")
    for parcel in order.shipments:
        show(f"  {parcel.carrier} {parcel.tracking} {parcel.url}".rstrip())


def _tell(actions: "Sequence[DeskAction]") -> None:
    for one in actions:
        kind, outcome, proof = _ACTIONS[one.action["kind"]], _OUTCOMES[one.outcome], _PROOFS[one.proof]
        reason = f" ({one.reason})" if one.reason else ""
        say(
            f"{one.asked_at:%Y-%m-%d %H:%M}  {one.order_id}  {kind[0]}: {outcome[0]}{reason}, by {proof[0]}  {one.detail}".rstrip(),
            f"{one.asked_at:%Y-%m-%d %H:%M}  {one.order_id}  {kind[1]}：{outcome[1]}{reason}，凭{proof[1]}  {one.detail}".rstrip(),
        )
