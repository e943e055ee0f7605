"""The assistant of a shop, put together from its parts, and renewed when products or the ontology change.

A new ontology, dictionary and understander take a while in a large catalogue: they are made at most every so often.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from zoneinfo import ZoneInfo

from zhanggui.catalog import changes
from zhanggui.catalog import store as catalog_store
from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.ontology import store as ontology_store
from zhanggui.catalog.product import Language, Product
from zhanggui.config import Config
from zhanggui.conversation.act import DialoguePolicy
from zhanggui.conversation.assistant import Assistant
from zhanggui.conversation.lookups import Lookups, Offer
from zhanggui.engine.catalog import Catalog
from zhanggui.engine.service import Service
from zhanggui.engine.understanders import NewUnderstander
from zhanggui.errors import NotFoundError
from zhanggui.service.order import Order
from zhanggui.service.proof import NoProof, Proof
from zhanggui.storage import Database

_REST = 20
"""After a renewal it rests for so many times the processor time that it took."""


@dataclass(frozen=True)
class _Made:
    version: tuple[int, datetime | None]
    assistant: Assistant
    until: float


@dataclass(kw_only=True)
class ShopAssistant:
    """Gives out the assistant as of now. Safe to share between threads."""

    config: Config
    database: Database
    catalog: Catalog
    service: Service
    offers: Callable[[str, Language], Sequence[Offer]]
    clock: Callable[[], datetime]
    policy: DialoguePolicy
    new_understander: NewUnderstander
    _made: _Made | None = None
    _lock: Lock = field(default_factory=Lock)

    def now(self) -> Assistant:
        """The assistant that knows the products of now."""
        made = self._made
        if made is not None and time.monotonic() < made.until:
            return made.assistant
        with self.database.reading() as connection:
            version = (changes.latest(connection), ontology_store.edited_at(connection))
        if made is not None and made.version == version:
            return made.assistant
        with self._lock:
            if self._made is None or self._made.version != version:
                self._made = self._make(version)
            return self._made.assistant

    def _make(self, version: tuple[int, datetime | None]) -> _Made:
        began = time.thread_time()  # not the clock on the wall: beside other work it would rest for minutes
        ontology = self.catalog.ontology()
        with self.database.reading() as connection:
            titles = [title for product in catalog_store.every(connection) for title in product.titles.values()]
        assistant = Assistant(
            understander=self.new_understander(ontology, titles, today=self._today),
            lookups=self._lookups(ontology),
            settings=self.config.conversation,
            time_zone=self.config.shop.time_zone,
            policy=self.policy,
        )
        took = time.thread_time() - began
        return _Made(version, assistant, until=time.monotonic() + (_REST * took if took > 1 else 0))

    def _today(self) -> date:
        return self.clock().astimezone(ZoneInfo(self.config.shop.time_zone)).date()

    def _lookups(self, ontology: Ontology) -> Lookups:
        shop, service = self.config.shop, self.service

        def products(product_ids: Sequence[str]) -> Mapping[str, Product]:
            with self.database.reading() as connection:
                return catalog_store.find(connection, product_ids)

        def digest(citation: str, language: Language) -> str:
            section = service.pages.cited(citation, language)
            return section.digest if section else ""

        def prove(number: str, contact: str, visitor_id: str) -> Proof | NoProof:
            named = {"email" if "@" in contact else "phone": contact}
            return service.prove(number, visitor_id=visitor_id, **named)

        def orders(proof: Proof, number: str) -> Sequence[Order]:
            if not number:
                return service.orders(proof)
            try:
                return (service.order(number, proof),)
            except NotFoundError:
                return ()

        return Lookups(
            shop_name=shop.name,
            site=shop.url,
            currency=shop.currency,
            ontology=lambda: ontology,
            search=lambda query: self.catalog.search(query).results,
            products=products,
            sections=lambda text, language, limit: service.policies(text, language, limit=limit),
            digest=digest,
            orders=orders,
            prove=prove,
            desk=service,
            offers=self.offers,
        )
