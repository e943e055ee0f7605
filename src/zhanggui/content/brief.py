"""What a message should say and what it may rely on. Equal situations make equal briefs, written once for all.

A brief never holds a name, an address or anything else of one customer: those are filled in after the checks.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

from zhanggui.catalog.product import Language, Product
from zhanggui.content.discount import discount
from zhanggui.decisioning.action import Action, Offer
from zhanggui.llm.chat_format import defuse

_FACTS = 6


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One thing to write. Facts are (name, value) pairs; only they support a claim."""

    language: Language
    channel: str
    tone: str
    about: str
    """What is advertised, in the brief's language: a product's title or a category."""
    product: tuple[tuple[str, str], ...] = ()
    """Facts of the product from the catalogue."""
    offer_title: str = ""
    discount: str = ""
    """In words ("10% off"), "" for none. Printed by the template, never by the model."""
    coupon: str = ""
    valid_until: str = ""
    """A date, or "" for no end."""
    stage: str = ""
    """The customer's life-cycle stage; "" where her profile must not be used."""
    limit: int = 220
    """Longest pitch, in characters."""

    @property
    def brief_id(self) -> str:
        """SHA-256 of the brief's canonical form."""
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def evidence(self) -> dict[str, str]:
        """Every fact that may support a claim, by name."""
        named = {"about": self.about, "offer": self.offer_title, "discount": self.discount, "coupon": self.coupon}
        return {name: value for name, value in {**named, **dict(self.product)}.items() if value}


def brief_for(
    action: Action,
    *,
    language: Language,
    tone: str,
    offer: Offer | None,
    product: Product | None,
    stage: str,
    limit: int,
) -> Brief:
    """The brief of an action for customers of one language and stage ("" where the profile must not be used)."""
    category = (action.category or (product.category if product else "")).rsplit(" > ", 1)[-1]
    specific = action.product_id is not None and product is not None
    about = product.title(language) if specific and product else category
    return Brief(
        language=language,
        channel=action.channel or "",
        tone=tone,
        about=_one_line(about),
        product=_facts(product, language) if specific and product else (),
        offer_title=_one_line(_title(offer, language)),
        discount=discount(offer, language),
        coupon=offer.coupon if offer else "",
        valid_until=_date(offer, language),
        stage=stage,
        limit=limit,
    )


def _facts(product: Product, language: Language) -> tuple[tuple[str, str], ...]:
    named = {"brand": product.brand, "category": product.category.rsplit(" > ", 1)[-1], **dict(product.attributes)}
    if language in product.descriptions:
        named["description"] = product.descriptions[language][:300]
    pairs = [(_one_line(name), _one_line(value)) for name, value in named.items() if value]
    return tuple(pairs[: _FACTS + 1])


def _title(offer: Offer | None, language: Language) -> str:
    if offer is None:
        return ""
    return offer.titles.get(language) or next(iter(offer.titles.values()))


def _date(offer: Offer | None, language: Language) -> str:
    if offer is None or offer.valid_until is None:
        return ""
    day = offer.valid_until
    return f"{day:%B} {day.day}, {day.year}" if language == "en" else f"{day.year}年{day.month}月{day.day}日"


def _one_line(text: str) -> str:
    return " ".join(defuse(text).split())
