"""Orders: where one is, and what the desk may do with it after an explicit yes.

Nothing of an order is said without a proof that opens it. Knows no sentence and no table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from zhanggui.conversation import exchange_answers, references, shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import Put
from zhanggui.money import Money
from zhanggui.service.desk import (
    Action,
    Cancel,
    ChangeAddress,
    DeskReceipt,
    DeskRequest,
    ExchangeItems,
    ReturnItems,
)
from zhanggui.service.order import Order, OrderLine
from zhanggui.service.proof import NoProof, Proof

Wish = Literal["status", "cancel", "change_address", "return", "exchange"]
WISHES: Mapping[str, Wish] = {
    "cancel_order": "cancel",
    "change_order": "change_address",
    "return_item": "return",
    "exchange_item": "exchange",
    "order_status": "status",
}
"""Intent -> what is wished of an order; the first that holds counts."""
_LISTED = 3
_STATES_FOR: Mapping[Wish, tuple[str, ...]] = {"return": ("delivered",), "exchange": ("pending", "delivered")}


def serve(moment: Moment, lookups: Lookups, wish: Wish, wished: Mapping[str, Any]) -> Put:
    """Do what is wished of an order as far as it goes: ask for what is missing, answer, or ask for the yes."""
    state = moment.state
    request = {**wished, "wish": wish}
    if wish == "exchange":
        request["said"] = exchange_answers.said(moment, wished.get("said", ""))
    proof, values = _proof(moment, lookups)
    asking = {"request": request, "stage": "service", **values}
    if isinstance(proof, NoProof):
        if proof.closed:
            return Put(
                acts=(DialogueAct(name="decline", about="proof_closed"),), values={"request": {}, "expected": ""}
            )
        missing = "wrong" if _contact(moment) and state.order_id else "contact" if state.order_id else "order"
        facts = {"order": shown_text.value(state.order_id)} if state.order_id else {}
        return Put(
            acts=(DialogueAct(name="ask_proof", about=missing, facts=facts),), values={**asking, "expected": "proof"}
        )
    orders = lookups.orders(proof, state.order_id)
    order = orders[0] if orders and state.order_id else None
    if order and proof.kind == "token" and _is_another(moment, lookups, order):
        orders, order = lookups.orders(proof, ""), None
        state = replace(state, order_id="")
    if order is None and state.order_id:  # not among this person's orders: nobody learns whether there is one
        facts = {"order": shown_text.value(state.order_id)}
        return Put(
            acts=(DialogueAct(name="ask_proof", about="not_theirs", facts=facts),),
            values={**asking, "expected": "proof"},
        )
    if not orders:
        return Put(acts=(DialogueAct(name="not_known", about="no_orders"),), values={"request": {}})
    if wish == "status":
        named = [order for order in orders if moment.heard.named("category") and _named_lines(moment, lookups, order)]
        listed = [order] if order else named[:_LISTED] or _current(orders)
        acts = [DialogueAct(name="answer", about="order", facts=facts_of(order, moment, lookups)) for order in listed]
        spoken_of = listed[0].order_id if len(listed) == 1 else ""
        told = {"request": {}, "expected": "", "order_id": spoken_of}
        orders_listed = {"orders": _ids(listed)} if len(listed) > 1 else {}
        return Put(acts=tuple(acts), values={**asking, **told, **orders_listed})
    if order is None:
        fitting = [order for order in orders if _may(order, wish)]
        fitting = [order for order in fitting if _named_lines(moment, lookups, order)] or fitting
        if len(fitting) != 1:
            choices = fitting[:_LISTED] or orders[:_LISTED]
            listing = {"orders": [facts_of(order, moment, lookups) for order in choices]}
            which = DialogueAct(name="ask_order", facts=listing)
            return Put(acts=(which,), values={**asking, "expected": "order", "orders": _ids(choices)})
        order = fitting[0]
    return _prepare(moment, lookups, wish, order, proof, {**asking, "order_id": order.order_id})


def _ids(orders: Sequence[Order]) -> tuple[str, ...]:
    return tuple(order.order_id for order in orders)


def _is_another(moment: Moment, lookups: Lookups, order: Order) -> bool:
    """Whether the shopper names something that is not in the order which was spoken of before."""
    heard = moment.heard
    return (
        bool(heard.named("category")) and not heard.named("order_number") and not _named_lines(moment, lookups, order)
    )


def _may(order: Order, wish: Wish) -> bool:
    return order.state in _STATES_FOR.get(wish, ("pending",))


def _current(orders: Sequence[Order]) -> Sequence[Order]:
    """Those that are on their way, else the newest."""
    return [order for order in orders if order.state in ("pending", "processed", "shipped")][:_LISTED] or orders[:1]


def _contact(moment: Moment) -> str:
    said = [slot.value for slot in moment.heard.slots if slot.name in ("email", "phone")]
    return said[0] if said else ""


def _proof(moment: Moment, lookups: Lookups) -> tuple[Proof | NoProof, dict[str, Any]]:
    """Who may see which orders, and what the state is to remember of it."""
    state, contact = moment.state, _contact(moment)
    if state.order_id and contact:
        proof = lookups.prove(state.order_id, contact, moment.visitor_id)
        if isinstance(proof, NoProof):
            return proof, {}
        return proof, {"proven": {**state.proven, proof.order_id: proof.customer_id}, "order_id": proof.order_id}
    if state.order_id in state.proven:
        return Proof(
            kind="order",
            customer_id=state.proven[state.order_id],
            order_id=state.order_id,
            visitor_id=moment.visitor_id,
        ), {}
    if moment.customer_id:
        return Proof(kind="token", customer_id=moment.customer_id, visitor_id=moment.visitor_id), {}
    return NoProof(closed=False), {}


def _prepare(moment: Moment, lookups: Lookups, wish: Wish, order: Order, proof: Proof, values: dict[str, Any]) -> Put:
    """Ask the desk whether it could be done, and the shopper for the yes."""
    request = dict(values["request"])
    if wish == "exchange":
        choice = exchange_answers.settled(request, order, moment, lookups)
        if isinstance(choice, DialogueAct):
            asked = {"expected": "variant"} if choice.name == "ask_variant" else {"request": {}, "expected": ""}
            return Put(acts=(choice,), values={**values, **asked})
        request = choice
    if wish == "change_address":
        address = next((slot.value for slot in moment.heard.named("address")), "") or request.get("address", "")
        if moment.state.expected == "address" and not address:
            address = moment.heard.text.strip()[:300]
        if not address:
            facts = {"order": order.order_id}
            return Put(acts=(DialogueAct(name="ask_address", facts=facts),), values={**values, "expected": "address"})
        request["address"] = shown_text.plain(address)[:300]
    if wish == "return":
        request["items"] = _items(moment, lookups, order)
    request |= {"order_id": order.order_id, "proof": proof.kind, "customer_id": proof.customer_id}
    request["key"] = f"{moment.conversation_id}:{moment.number}"
    (receipt,) = lookups.desk.perform([desk_request(request, proof, confirmed=False)])
    if receipt.outcome != "unconfirmed":
        facts = {**facts_of(order, moment, lookups), **_reason(receipt)}
        return Put(
            acts=(DialogueAct(name="decline", about=f"desk_{receipt.reason or 'refused'}", facts=facts),),
            values={**values, "request": {}, "expected": "", "pending": ""},
        )
    facts = {**facts_of(order, moment, lookups, request.get("items")), **_balance(receipt)}
    if "variant" in request:
        facts["variant"] = request["variant"]
    if "address" in request:
        facts["address"] = request["address"]
    confirm = DialogueAct(name="confirm", about=wish, facts=facts)
    return Put(acts=(confirm,), values={**values, "request": request, "pending": wish, "expected": "confirm"})


def desk_request(request: Mapping[str, Any], proof: Proof, *, confirmed: bool) -> DeskRequest:
    """The request to the desk that a state's `request` describes."""
    actions: dict[str, Action] = {
        "cancel": Cancel(),
        "change_address": ChangeAddress(address={"address": request.get("address", "")}),
        "return": ReturnItems(item_ids=tuple(request.get("items", ()))),
        "exchange": ExchangeItems(
            item_ids=tuple(request.get("items", ())), new_item_ids=tuple(request.get("new_items", ()))
        ),
    }
    return DeskRequest(
        key=request["key"],
        order_id=request["order_id"],
        action=actions[request["wish"]],
        proof=proof,
        confirmed=confirmed,
    )


def is_yes(moment: Moment, lookups: Lookups) -> bool:
    """Whether the shopper says yes to what waits for it: "ok, show me some tea" is none, "yes, the tea" of an order of tea is."""
    heard, request = moment.heard, moment.state.request
    if not heard.has("affirm") or heard.has("deny") or heard.named("recipient") or heard.named("price"):
        return False
    if not heard.named("category"):
        return True
    orders = lookups.orders(_given_proof(moment), request["order_id"])
    return any(_named_lines(moment, lookups, order) for order in orders)


def _given_proof(moment: Moment) -> Proof:
    """The proof that was given for what waits for a yes."""
    request = moment.state.request
    return Proof(
        kind="order" if request["proof"] == "order" else "token",
        customer_id=request["customer_id"],
        order_id=request["order_id"] if request["proof"] == "order" else "",
        visitor_id=moment.visitor_id,
    )


def perform(moment: Moment, lookups: Lookups) -> Put:
    """Do what the shopper has said yes to, once."""
    request = moment.state.request
    (receipt,) = lookups.desk.perform([desk_request(request, _given_proof(moment), confirmed=True)])
    facts = {"order": request["order_id"], **_balance(receipt), **_reason(receipt)}
    settled = {"request": {}, "pending": "", "expected": ""}
    if receipt.outcome == "done":
        return Put(acts=(DialogueAct(name="done", about=request["wish"], facts=facts),), values=settled)
    about = "desk_in_doubt" if receipt.outcome == "in_doubt" else f"desk_{receipt.reason or 'refused'}"
    acts = [DialogueAct(name="decline", about=about, facts=facts)]
    if receipt.outcome == "in_doubt":  # somebody has to look whether it was done
        acts.append(DialogueAct(name="hand_over"))
    return Put(acts=tuple(acts), values=settled)


def _items(moment: Moment, lookups: Lookups, order: Order) -> list[str]:
    """The items that the shopper names, one for each unit, or as many of one line as they say; all where none is named."""
    lines = _named_lines(moment, lookups, order) or order.lines
    said = [
        int(slot.value) for slot in moment.heard.named("quantity") if slot.value.isdecimal() and len(slot.value) <= 3
    ]
    most = said[0] if said and said[0] > 0 and len(lines) == 1 else None
    return [line.item_id for line in lines for _ in range(max(1, int(line.quantity)))][:most]


def _named_lines(moment: Moment, lookups: Lookups, order: Order) -> list[OrderLine]:
    """The lines of an order that the shopper names."""
    bought = lookups.products([line.product_id for line in order.lines])
    named = references.named(moment.heard.text, bought.values(), moment.language)
    said = [moment.heard.text[slot.start : slot.end].casefold() for slot in moment.heard.named("category")]
    return [
        line
        for line in order.lines
        if line.product_id in named
        or any(noun in " ".join((line.title, *_titles(bought, line.product_id))).casefold() for noun in said)
    ]


def _titles(bought: Mapping[str, Any], product_id: str) -> Sequence[str]:
    return tuple(bought[product_id].titles.values()) if product_id in bought else ()


def facts_of(order: Order, moment: Moment, lookups: Lookups, items: Sequence[str] | None = None) -> dict[str, Any]:
    """What may be said of an order to who has shown that it is theirs: no address, telephone or name."""
    bought = lookups.products([line.product_id for line in order.lines])
    lines = [line for line in order.lines if items is None or line.item_id in items]
    titles = [
        shown_text.name(bought[line.product_id].title(moment.language), line.product_id)
        if line.product_id in bought
        else shown_text.name(line.title, line.product_id)
        for line in lines
    ]
    facts: dict[str, Any] = {
        "order": order.order_id,
        "state": order.state,
        "state_label": _STATES[moment.language].get(order.state, order.state),
    }
    if items is not None:  # of two of a thing one may be meant
        titles = [
            f"{title} × {items.count(line.item_id)}" if line.quantity > 1 else title
            for title, line in zip(titles, lines, strict=True)
        ]
    facts["items"] = ("、" if moment.language == "zh" else ", ").join(dict.fromkeys(titles))
    if order.shipments and order.state in ("shipped", "delivered"):
        last = order.shipments[-1]
        facts["tracking"] = shown_text.plain(last.tracking)[:40]
        if last.carrier:
            facts["carrier"] = shown_text.value(last.carrier)
    if order.total is not None:
        facts["total"] = shown_text.price(order.total)
    return facts


def _balance(receipt: DeskReceipt) -> dict[str, str]:
    """What goes back to the shopper, or what is still to be paid."""
    if receipt.balance is None or receipt.balance.minor == 0:
        return {}
    amount = Money(currency=receipt.balance.currency, minor=abs(receipt.balance.minor))
    return {"extra" if receipt.balance.minor > 0 else "refund": shown_text.price(amount)}


def _reason(receipt: DeskReceipt) -> dict[str, str]:
    return {"state": receipt.order.state} if receipt.order else {}


_STATES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "pending": "已下单，等待发货",
        "processed": "正在备货",
        "shipped": "已发货，在路上",
        "delivered": "已送达",
        "cancelled": "已取消",
        "return requested": "退货申请已提交",
        "exchange requested": "换货申请已提交",
        "returned": "已退货",
        "refunded": "已退款",
    },
    "en": {
        "pending": "placed and waiting to be packed",
        "processed": "being packed",
        "shipped": "on its way",
        "delivered": "delivered",
        "cancelled": "cancelled",
        "return requested": "return requested",
        "exchange requested": "exchange requested",
        "returned": "returned",
        "refunded": "refunded",
    },
}
