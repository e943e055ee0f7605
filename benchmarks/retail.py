"""Everyday requests in the retail shop of a public benchmark (sierra-research/tau-bench): done, and held against a list.

    python benchmarks/retail.py import --data FOLDER --shop FOLDER
    python benchmarks/retail.py run --data FOLDER [--by turns|desk] [--talk]

FOLDER has users.json, orders.json and products.json. `run` picks 20 requests from it: five after an order, five to cancel
one, five to change an address, five to exchange an item. Each is done in one shop, by talking with the assistant (its rules, in
English) or at the desk itself: with a wrong proof first, then with the right one, then with a yes. Its reference action is
replayed in a fresh shop; then the orders of both are compared by hash.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from zhanggui import Engine, Product
from zhanggui.catalog import Variant, store
from zhanggui.service import order_store
from zhanggui.service.desk import Action, Cancel, ChangeAddress, DeskRequest, ExchangeItems
from zhanggui.service.order import Order, OrderLine
from zhanggui.service.proof import NoProof, Proof
from zhanggui.shops.taubench_retail import CURRENCY, convert
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
EACH = 5
TURNS = 6
TALK = False
"""Whether the conversations are printed."""
ANSWERS = {
    "ask_proof": "My e-mail address is {email}",
    "ask_address": "{tells}",
    "ask_variant": "{tells}",
    "confirm": "Yes, please.",
}
"""What the customer says to each of the assistant's questions."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a customer wants, and the reference: the action that it comes to, or none."""

    order: Order
    wish: str
    says: str
    """What the customer begins with."""
    action: Action | None = None
    tells: str = ""
    """What the customer answers when asked for the new address, or the other variant."""


def import_shop(data: Path, shop: Path) -> None:
    """Set up a shop and take in the users, products and orders of `data`."""
    Engine.create(shop, language="en", currency=CURRENCY, name="Retail")
    with Engine.open(shop, clock=FixedClock(NOW)) as engine:
        files = convert(data, shop / "retail", until=NOW)
        loaded = (engine.catalog.load(files.products, form="jsonl"), engine.events.ingest(files.events))
        orders = engine.service.load_orders(files.orders)
        assert not any(one.rejected for one in (*loaded, orders)), loaded
        print(f"{files.counts} in {shop}: {orders.taken} orders")


def requests(orders: Sequence[Order], products: dict[str, Product]) -> list[Request]:
    """Twenty requests, each about another order, in the order of the orders' ids."""
    left = {order.order_id: order for order in orders}

    def pick(fits: Callable[[Order], bool]) -> Iterator[Order]:
        for order in list(left.values()):
            if order.order_id in left and fits(order):
                yield left.pop(order.order_id)

    def pending(order: Order) -> bool:
        return order.state == "pending"

    def has_other(order: Order) -> bool:
        return next(others(order, products), None) is not None

    made = []
    for state in ("pending", "processed", "delivered", "cancelled", "delivered"):
        order = next(pick(lambda order, state=state: order.state == state))
        made.append(Request(order=order, wish="status", says=f"Hi, where is my order {order.order_id}?"))
    for order in islice(pick(pending), EACH):
        says = f"Hello, please cancel my order {order.order_id}, I don't need it any more."
        made.append(Request(order=order, wish="cancel", says=says, action=Cancel()))
    addresses = [", ".join(order.address.values()) for order in reversed(orders)]
    for order, address in zip(islice(pick(pending), EACH), addresses, strict=False):
        says = f"I need to change the delivery address of order {order.order_id}."
        action = ChangeAddress(address={"address": address})
        made.append(Request(order=order, wish="address", says=says, action=action, tells=address))
    for state, count in (("pending", 2), ("delivered", 3)):
        fitting = pick(lambda order, state=state: order.state == state and has_other(order))
        made += [exchange(order, products) for order in islice(fitting, count)]
    return made


def exchange(order: Order, products: dict[str, Product]) -> Request:
    """The first item of an order for a variant that can be had and differs in one option."""
    line, other = next(others(order, products))
    (option,) = (name for name in line.options if other.options[name] != line.options[name])
    wanted = other.options[option]
    return Request(
        order=order,
        wish="exchange",
        says=f"I'd like to exchange the {line.title} in order {order.order_id} for one with {option} {wanted}.",
        action=ExchangeItems(item_ids=(line.item_id,), new_item_ids=(other.variant_id,)),
        tells=f"The {line.title} with {', '.join(other.options.values())}.",
    )


def others(order: Order, products: dict[str, Product]) -> Iterator[tuple[OrderLine, Variant]]:
    """The items of an order with the variants for which each might be exchanged."""
    for line in order.lines:
        for other in products[line.product_id].variants:
            differing = [name for name in line.options if other.options[name] != line.options[name]]
            if len(differing) == 1 and not other.sold_out:
                yield line, other


def perform(engine: Engine, request: Request, proof: Proof, key: str, *, confirmed: bool) -> str:
    """Ask the desk; returns the outcome."""
    asked = DeskRequest(
        key=key, order_id=request.order.order_id, action=request.action, proof=proof, confirmed=confirmed
    )
    (receipt,) = engine.service.perform([asked])
    return receipt.outcome if not receipt.reason else f"{receipt.outcome}: {receipt.reason}"


def by_desk(engine: Engine, request: Request, key: str) -> str:
    """Do a request at the desk: nothing without proof, nothing without a yes."""
    before = engine.service.orders_digest()
    number, visitor = request.order.order_id.lower(), f"visitor-{key}"
    wrong = engine.service.prove(number, visitor_id=visitor, email="somebody@example.com")
    proof = engine.service.prove(number, visitor_id=visitor, email=request.order.email.upper())
    assert isinstance(wrong, NoProof)
    assert isinstance(proof, Proof)
    if request.action is None:
        return engine.service.order(number, proof).state
    assert perform(engine, request, proof, key, confirmed=False) == "unconfirmed"
    assert engine.service.orders_digest() == before, "something changed without a yes"
    return perform(engine, request, proof, key, confirmed=True)


def by_turns(engine: Engine, request: Request, key: str) -> str:
    """Talk with the assistant: first as somebody who does not know the order's e-mail address, then as its customer."""
    before = engine.service.orders_digest()
    thief = converse(engine, request, visitor=f"thief-{key}", email="somebody@example.com", before=before)
    assert thief == "" or thief.startswith("ask_proof"), f"a stranger got to {thief}"
    assert engine.service.orders_digest() == before, "something changed for a stranger"
    return converse(engine, request, visitor=f"visitor-{key}", email=request.order.email, before=before)


def converse(engine: Engine, request: Request, *, visitor: str, email: str, before: str) -> str:
    """Hold one conversation, each answer to what was asked; returns the act that it ended with."""
    conversation = engine.conversations.start(visitor_id=visitor, language="en", seed=visitor)
    says, act = request.says, ""
    for _ in range(TURNS):
        turn = engine.conversations.turn(conversation.conversation_id, says)
        if TALK:
            print(f"    > {says}\n      {turn.answer}".replace("\n", "\n      "))
        acts = [one for one in turn.acts if not one.startswith("greet")]
        act = acts[-1] if acts else ""
        if act.startswith("confirm"):
            assert engine.service.orders_digest() == before, "something changed without a yes"
        asked_before, says = says, ANSWERS.get(act.partition(":")[0], "").format(email=email, tells=request.tells)
        if not says or says == asked_before:
            break
    return act


def run(data: Path, do: Callable[[Engine, Request, str], str]) -> int:
    """Do the requests and compare; returns how many did not end as their reference."""
    with tempfile.TemporaryDirectory() as folder:
        live, fresh = Path(folder) / "live", Path(folder) / "fresh"
        for shop in (live, fresh):
            import_shop(data, shop)
        clock = FixedClock(NOW)
        wrong = 0
        with Engine.open(live, clock=clock) as engine, Engine.open(fresh, clock=clock) as reference:
            with engine.database.reading() as connection:
                orders = list(order_store.every(connection))
                products = {product.product_id: product for product in store.every(connection)}
            for number, request in enumerate(requests(orders, products), 1):
                outcome = do(engine, request, f"live-{number}")
                if request.action is not None:
                    proof = Proof(kind="token", customer_id=request.order.customer_id)
                    perform(reference, request, proof, f"reference-{number}", confirmed=True)
                same = engine.service.orders_digest() == reference.service.orders_digest()
                wrong += not same
                print(f"{number:2} {request.wish:8} {request.order.order_id}: {outcome}, {'same' if same else 'OTHER'}")
    print(f"{number - wrong} of {number} ended as their reference")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["import", "run"])
    parser.add_argument("--data", type=Path, required=True, help="folder of users.json, orders.json, products.json")
    parser.add_argument("--shop", type=Path, help="of import: the folder of the new shop")
    parser.add_argument("--by", choices=["turns", "desk"], default="turns", help="of run: who does the requests")
    parser.add_argument("--talk", action="store_true", help="of run: print the conversations")
    asked = parser.parse_args()
    global TALK
    TALK = asked.talk
    if asked.what == "import":
        if asked.shop is None:
            parser.error("import needs --shop")
        import_shop(asked.data, asked.shop)
        return 0
    return run(asked.data, by_turns if asked.by == "turns" else by_desk)


if __name__ == "__main__":
    sys.exit(main())
