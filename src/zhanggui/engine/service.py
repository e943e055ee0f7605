"""`engine.service`: orders for who may see them, policy pages, and the desk that changes an order for a customer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from zhanggui.catalog.product import Language
from zhanggui.config import Config
from zhanggui.engine.rejects import Count, Rejects
from zhanggui.engine.secret import visitor_secret
from zhanggui.errors import InputError, NotFoundError, OrderError
from zhanggui.service import desk_actions, order_store, prove, visitor_token
from zhanggui.service.desk import DeskReceipt, DeskRequest, ServiceDesk
from zhanggui.service.desk_actions import DeskAction
from zhanggui.service.order import Order
from zhanggui.service.order_facts import Statement
from zhanggui.service.order_file import read_orders
from zhanggui.service.order_row import read
from zhanggui.service.policy_page import PolicySection
from zhanggui.service.policy_pages import PolicyPages
from zhanggui.service.proof import NoProof, Proof
from zhanggui.service.table_desk import TableDesk
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class OrdersLoaded:
    """What became of a file's orders."""

    taken: int
    """Different orders that something was said of."""
    rejected: int
    rejects: Path | None
    """The reject file, if there is one."""


@dataclass(frozen=True, kw_only=True)
class OrdersPut:
    """What became of orders given as plain data."""

    taken: int
    errors: tuple[InputError, ...]
    """One for each bad row; `line` is its place in the list, from 0."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Orders, policy pages and the service desk of a shop with this currency."""

    database: Database
    rejects: Rejects
    clock: Callable[[], datetime]
    currency: str
    pages: PolicyPages
    desk: Callable[[], ServiceDesk]
    """Who changes orders. Raises DeliveryError when its settings are wrong."""
    visitor_secret: str
    """Signs visitor tokens; the shop's server has the same."""
    longest_token: timedelta

    # Orders, from the shop

    def load_orders(self, path: Path, *, progress: Count = lambda _n: None) -> OrdersLoaded:
        """Take in orders from JSON lines. Bad lines go to a reject file. Raises OrderError for a file that cannot be opened."""
        with self.rejects.of(path) as rejects:
            said = list(read_orders(path, currency=self.currency, now=self.clock(), rejects=rejects))
        progress(len(said))
        with self.database.transaction() as connection:
            taken = order_store.record(connection, said)
        return OrdersLoaded(taken=taken, rejected=rejects.count, rejects=rejects.written)

    def put_orders(self, rows: Sequence[Mapping[str, Any]]) -> OrdersPut:
        """Take in orders given as plain data, or what changed of them. Good rows are kept; the errors name the bad ones."""
        now = self.clock()
        good: list[Statement] = []
        errors: list[InputError] = []
        for number, row in enumerate(rows):
            try:
                good.append(read(row, currency=self.currency, now=now, source=f"{number:09}"))
            except OrderError as error:
                errors.append(error.at("", number))
        with self.database.transaction() as connection:
            taken = order_store.record(connection, good)
        return OrdersPut(taken=taken, errors=tuple(errors))

    # Who asks

    def sign_visitor(self, customer_id: str, *, hours: float = 1.0) -> str:
        """A visitor token as the shop's server would sign it."""
        return visitor_token.sign(customer_id, self.visitor_secret, expires=self.clock() + timedelta(hours=hours))

    def visitor(self, token: str, *, visitor_id: str = "") -> Proof:
        """The proof that a visitor token is. Raises AccessError for one that is forged, cut off or expired."""
        customer_id = visitor_token.read(token, self.visitor_secret, now=self.clock(), longest=self.longest_token)
        return Proof(kind="token", customer_id=customer_id, visitor_id=visitor_id)

    def prove(self, number: str, *, visitor_id: str, email: str = "", phone: str = "") -> Proof | NoProof:
        """The proof that an order's number is, with its e-mail address, its telephone number, or both. A wrong one is counted:
        three within 24 hours close the visitor and the number. Raises InputError without a number or an address.
        """
        with self.database.transaction() as connection:
            return prove.prove(connection, number, visitor_id=visitor_id, email=email, phone=phone, now=self.clock())

    # Orders, for who asks

    def order(self, number: str, proof: Proof) -> Order:
        """The order that a customer names. Raises NotFoundError, the same for one that is not there and one of somebody else."""
        with self.database.reading() as connection:
            order = prove.opened_by(connection, proof, number)
        if order is None:
            raise NotFoundError("there is no such order, or it is not opened by what was shown")
        return order

    def orders(self, proof: Proof, *, limit: int = 10) -> tuple[Order, ...]:
        """The orders that a proof opens, the newest first."""
        with self.database.reading() as connection:
            return tuple(prove.orders_of(connection, proof, limit=limit))

    def perform(self, requests: Sequence[DeskRequest]) -> list[DeskReceipt]:
        """Do what customers ask for with their orders, each key once; one receipt a request. What is not confirmed is only judged:
        the receipt says what it would cost. Raises InputError for a key that cannot be one.
        """
        return self.desk().perform(requests)

    # For operators

    def find_order(self, number: str) -> tuple[Order, ...]:
        """The orders of a number, however it is written. For operators alone: it asks for no proof."""
        with self.database.reading() as connection:
            return tuple(order_store.numbered(connection, number))

    def count_orders(self) -> int:
        """How many orders there are."""
        with self.database.reading() as connection:
            return order_store.count(connection)

    def orders_digest(self) -> str:
        """A hash of all orders as they stand, by which two shops can be compared."""
        with self.database.reading() as connection:
            return order_store.digest(connection)

    def actions(self, order_id: str | None = None, *, limit: int = 100) -> tuple[DeskAction, ...]:
        """What was asked of the desk with an order, the earliest first; or last of all, the newest first."""
        with self.database.reading() as connection:
            if order_id is None:
                return tuple(desk_actions.latest(connection, limit=limit))
            return tuple(desk_actions.of_order(connection, order_id))

    # What the shop promises

    def policies(self, text: str, language: Language, *, limit: int = 3) -> tuple[PolicySection, ...]:
        """The sections of policy pages that say most of a text, the best first."""
        return tuple(self.pages.search(text, language, limit=limit))


def open_service(
    folder: Path, config: Config, *, database: Database, rejects: Rejects, clock: Callable[[], datetime]
) -> Service:
    """The service of the shop in `folder`, as its settings have it."""
    return Service(
        database=database,
        rejects=rejects,
        clock=clock,
        currency=config.shop.currency,
        pages=PolicyPages(folder=folder / config.service.policies, language=config.shop.language),
        desk=partial(_desk, config, database, clock),
        visitor_secret=visitor_secret(database),
        longest_token=timedelta(hours=config.service.token_hours),
    )


def _desk(config: Config, database: Database, clock: Callable[[], datetime]) -> ServiceDesk:
    """The shop's own system, or our tables."""
    settings = config.service
    if not settings.desk_url:
        return TableDesk(database=database, clock=clock)
    from zhanggui.access.signed_post import SignedPost
    from zhanggui.service.webhook_desk import WebhookDesk

    post = SignedPost(
        url=settings.desk_url,
        secret_env=settings.desk_secret_env,
        timeout_s=settings.desk_timeout_s,
        allow_private=settings.desk_allow_private,
        clock=clock,
        by="the service desk",
    )
    return WebhookDesk(database=database, clock=clock, post=post, currency=config.shop.currency)
