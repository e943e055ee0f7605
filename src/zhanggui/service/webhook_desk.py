"""A service desk that asks the shop's own system, by a signed webhook, and writes down what it answers.

Changes no order by itself: the shop's answer, or its next row or event, says how the order stands.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from zhanggui.access.signed_post import Posted, SignedPost
from zhanggui.errors import DeliveryError, OrderError
from zhanggui.service import desk_actions, order_store
from zhanggui.service.desk import DeskReceipt, DeskRequest, Outcome, Reason
from zhanggui.service.desk_rules import Ruling
from zhanggui.service.order import Order
from zhanggui.service.order_row import read
from zhanggui.service.table_desk import taken_up
from zhanggui.storage import Database

_PAUSES_S = (0.5, 2.0)
"""Before it is asked again; only what the shop's system surely did not take is sent again."""
_NOT_TAKEN = frozenset({429, 503})
_REFUSED = frozenset({409, 422})
_LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What the shop's system said."""

    outcome: Outcome
    reason: Reason = ""
    detail: str = ""
    order: Any = None
    """A row of the order as it stands, if the answer has one."""


@dataclass(frozen=True, kw_only=True)
class WebhookDesk:
    """Each request is judged and written down, then posted with its key as `webhook-id`, then its answer is written down.

    A key that is in doubt, since the answer did not come or this process was killed, is never posted again.
    """

    database: Database
    clock: Callable[[], datetime]
    post: SignedPost
    currency: str
    sleep: Callable[[float], None] = time.sleep

    def perform(self, requests: Sequence[DeskRequest]) -> list[DeskReceipt]:
        """Do what is asked, each key once; one receipt a request, in order."""
        return [self._perform(request) for request in requests]

    def _perform(self, request: DeskRequest) -> DeskReceipt:
        with self.database.transaction() as connection:
            receipt, ruling = taken_up(connection, request, now=self.clock())
        if receipt.outcome != "in_doubt" or ruling is None or receipt.order is None:
            return receipt
        answer, sent = self._ask(request, receipt.order, ruling)
        ended = replace(receipt, outcome=answer.outcome, reason=answer.reason, detail=answer.detail)
        with self.database.transaction() as connection:
            if answer.order is not None:
                ended = replace(ended, detail=self._take_in(connection, answer, receipt.order, request.key))
            desk_actions.finish(connection, ended, sent=sent)
            return replace(ended, order=order_store.find(connection, receipt.order.order_id))

    def _ask(self, request: DeskRequest, order: Order, ruling: Ruling) -> tuple[_Answer, int]:
        """What the shop's system answers, and how often it was asked."""
        content = {
            "type": f"order.{desk_actions.KINDS[type(request.action)]}",
            "timestamp": self.clock().isoformat(),
            "data": {
                "key": request.key,
                "order_id": order.order_id,
                "customer_id": order.customer_id,
                "proof": request.proof.kind,
                "action": desk_actions.action_data(request.action),
                "balance": None if ruling.balance is None else str(ruling.balance.major),
                "currency": None if ruling.balance is None else ruling.balance.currency,
            },
        }
        answer = _Answer(outcome="refused", reason="unreachable")
        with self.post.client() as client:
            for number, pause in enumerate((0.0, *_PAUSES_S), 1):
                if pause:
                    self.sleep(pause)
                try:
                    posted = self.post.send(client, request.key, content)
                except (DeliveryError, OSError, ValueError) as error:
                    return replace(answer, detail=_cut(str(error))), number
                taken = _heard(posted)
                if taken is not None:
                    return taken, number
                answer = replace(answer, detail=_cut(posted.problem or f"HTTP {posted.status}"))
        return answer, number

    def _take_in(self, connection: Any, answer: _Answer, order: Order, key: str) -> str:
        """Keep the order as the answer has it; returns the detail, which says so where it cannot be read."""
        try:
            said = read(answer.order, currency=self.currency, now=self.clock(), source=key)
            if said.order_id != order.order_id:
                raise OrderError("it is another order", field="order_id")
        except OrderError as error:
            return _cut(f"{answer.detail} its order was left out: {error}".strip())
        order_store.record(connection, [said])
        return answer.detail


def _heard(posted: Posted) -> _Answer | None:
    """What an answer means; None where the request was surely not taken, and may be posted again."""
    status = posted.status
    if status is None:
        return _Answer(outcome="in_doubt", detail=_cut(posted.problem)) if posted.handed_over else None
    if status in _NOT_TAKEN:
        return None
    said = _object(posted.body)
    detail = _cut(str(said.get("detail") or f"HTTP {status}"))
    if 200 <= status < 300:
        refused = said.get("outcome") == "refused"
        return _Answer(
            outcome="refused" if refused else "done",
            reason="shop_refused" if refused else "",
            detail=detail,
            order=said.get("order"),
        )
    if status in _REFUSED:
        return _Answer(outcome="refused", reason="shop_refused", detail=detail, order=said.get("order"))
    if status >= 500 or status == 408:
        return _Answer(outcome="in_doubt", detail=detail)
    return _Answer(outcome="refused", reason="unreachable", detail=detail)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _cut(text: str) -> str:
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:_LONGEST]
