"""The states of an order by the names that shops give them, in both languages. Knows no order."""

from collections.abc import Mapping
from typing import get_args

from zhanggui.service.order import State

_OTHERS: Mapping[State, str] = {
    "pending": "placed open paid unpaid on-hold created 待付款 待发货 已付款 已下单 待处理",
    "processed": "processing confirmed packed preparing 处理中 已确认 备货中 已打包",
    "shipped": "fulfilled in-transit sent dispatched out-for-delivery 已发货 运输中 配送中 派送中",
    "delivered": "completed complete received 已签收 已送达 已完成 已收货",
    "cancelled": "canceled void voided closed 已取消 已关闭",
    "return requested": "return-requested 退货中 申请退货",
    "exchange requested": "exchange-requested 换货中 申请换货",
    "returned": "已退货",
    "refunded": "已退款",
}
_NAMES: Mapping[str, State] = {
    name.replace("-", " "): state for state, names in _OTHERS.items() for name in names.split(" ")
} | {state: state for state in get_args(State)}


def state_named(text: str) -> State | None:
    """The state that a shop means by `text`; None for one that nobody here knows."""
    return _NAMES.get(text.strip().lower().replace("_", " ").replace("-", " "))
