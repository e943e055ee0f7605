"""What an assistant may look up and ask for, as functions that its owner gives. Looks up nothing by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.product import Language, Product
from zhanggui.catalog.search import Query, Results
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.understanding import Understanding
from zhanggui.service.desk import ServiceDesk
from zhanggui.service.order import Order
from zhanggui.service.policy_page import PolicySection
from zhanggui.service.proof import NoProof, Proof


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A discount that this person may be told of."""

    offer_id: str
    title: str
    coupon: str = ""
    product_ids: tuple[str, ...] = ()
    """What it holds for; empty for everything."""
    propensity: float = 1.0
    """With which it was chosen for this person."""


@dataclass(frozen=True, kw_only=True)
class Lookups:
    """The shop as its assistant sees it, all as of now."""

    shop_name: str
    site: str
    """The shop's own site: no link leads elsewhere."""
    currency: str
    ontology: Callable[[], Ontology]
    search: Callable[[Query], Results]
    products: Callable[[Sequence[str]], Mapping[str, Product]]
    """By id; those that are not there any more are left out."""
    sections: Callable[[str, Language, int], Sequence[PolicySection]]
    """The sections of the policy pages that fit words best, at most so many."""
    digest: Callable[[str, Language], str]
    """Of the page that a citation leads to, as it is now; "" where it is gone."""
    orders: Callable[[Proof, str], Sequence[Order]]
    """What a proof opens, newest first; with a number, the order that it names."""
    prove: Callable[[str, str, str], Proof | NoProof]
    """From an order's number, an e-mail address or telephone number, and the visitor."""
    desk: ServiceDesk
    offers: Callable[[str, Language], Sequence[Offer]] = field(default=lambda _customer_id, _language: ())
    """The offers that a person may be made, by rule of consent, limits and eligibility; "" for an unknown person."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One turn to be answered: who says what, in which conversation, and when."""

    conversation_id: str
    number: int
    """Of the turn, from 1."""
    state: BeliefState
    """After what was heard."""
    heard: Understanding
    now: datetime
    customer_id: str = ""
    """Whom a visitor token names; "" for an unknown visitor."""
    visitor_id: str = ""

    @property
    def language(self) -> Language:
        """In which it is answered."""
        return self.state.language
