"""Answers about products: price, stock, aspects, a comparison, the way to order, and what they do not cost.

Every field is looked up at the moment of the answer. Knows no sentence.
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from zhanggui.catalog.ontology import aspect_values
from zhanggui.catalog.product import Product
from zhanggui.catalog.search import Query
from zhanggui.conversation import aspect_answers, product_facts, references, shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.commands import ASPECT_SLOTS, aspect_of
from zhanggui.conversation.find import find
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import SHOWN, Put, told
from zhanggui.conversation.understanding import Slot
from zhanggui.conversation.variants import named_values, narrowed

_NOUNS = ("category", *ASPECT_SLOTS)
_NAMED_AMONG = 30


def spoken_of(moment: Moment, lookups: Lookups) -> list[Product]:
    """The products that an utterance is about: named, shown and described, or spoken of before."""
    state, heard = moment.state, moment.heard
    items = [slot.value for slot in heard.named("item")]
    if any(item.isdecimal() for item in items) and not references.referred(state, items):
        return []  # there is no second one
    if items and state.focus:
        return _there(lookups, state.focus)
    shown = _there(lookups, tuple(dict.fromkeys((*state.shown, *state.focus))))
    nouns = [slot for slot in heard.slots if slot.name in _NOUNS and not slot.negated]
    if nouns:
        found = [
            find(Query(text=text, language=heard.language, limit=_NAMED_AMONG), lookups.search)
            for text in _things(heard.text, nouns)
        ]
        ids = [name for results in found for name in results.product_ids]
        among = {product.product_id: product for product in (*shown, *_there(lookups, ids))}
        if named := references.named(heard.text, among.values(), heard.language):
            return [among[name] for name in named][:SHOWN]
        if fitting := [product for product in shown if _fits(product, nouns, moment, lookups)]:
            return fitting[:SHOWN]
        if shown and not any(slot.name == "category" for slot in nouns):  # "the green one" is no other thing
            return _there(lookups, state.focus or state.shown)
        if best := [results.product_ids[0] for results in found if results.product_ids and not results.relaxed]:
            return _there(lookups, tuple(dict.fromkeys(best)))[:SHOWN]
        return _there(lookups, ids[:1])
    return _there(lookups, state.focus or state.shown)


def _things(text: str, nouns: Sequence[Slot]) -> list[str]:
    """The things that are named, each with the values before it: "cast iron frying pan", "enamel saucepan"."""
    things, parts = [], []
    for slot in nouns:
        parts.append(text[slot.start : slot.end])
        if slot.name == "category":
            things.append(" ".join(parts))
            parts = []
    return [*things, *([" ".join(parts)] if parts else [])]


def mentioned(moment: Moment, lookups: Lookups) -> dict[str, Any]:
    """What the state remembers of the products that are named in passing."""
    products = spoken_of(moment, lookups)[:1]
    return _spoken(products, products, moment) if products else {}


def _there(lookups: Lookups, product_ids: Sequence[str]) -> list[Product]:
    products = lookups.products(product_ids)
    return [products[name] for name in product_ids if name in products]


def _fits(product: Product, nouns: Sequence[Slot], moment: Moment, lookups: Lookups) -> bool:
    """Whether a product has every value and is called by every noun of these slots."""
    ontology = lookups.ontology()
    values = aspect_values(ontology, product)
    titles = " ".join(product.titles.values()).casefold()
    for slot in nouns:
        aspect, value = aspect_of(slot, ontology) if slot.name in ASPECT_SLOTS else ("", "")
        said = moment.heard.text[slot.start : slot.end].casefold()
        held = bool(aspect) and value in values.get(aspect, ())
        if not held and said not in titles and ontology.category(slot.value) != product.category:
            return False
    return True


def answer(topic: str, moment: Moment, lookups: Lookups) -> Put:
    """The answer to a question about products; a question back where it is not known which."""
    products = spoken_of(moment, lookups)
    if topic == "compare" and len(products) < 2:
        products = _there(lookups, moment.state.shown)[:SHOWN]
    if not products:
        return Put(acts=(DialogueAct(name="clarify", about="which"),))
    meant = _meant(products, moment, lookups) if topic in ("price", "stock") else products
    cards = _cards(meant, moment, lookups)
    if topic == "attribute":
        acts = aspect_answers.attributes(products, cards, moment, lookups)
    elif topic == "compare":
        acts = (
            [_comparison(products, cards, moment, lookups)]
            if len(products) > 1
            else [aspect_answers.described(products[0], cards[0], moment, lookups)]
        )
    else:
        acts = [
            DialogueAct(name="answer", about=topic, facts=_of_one(product, card, moment))
            for product, card in zip(meant, cards, strict=True)
        ]
    return Put(acts=tuple(acts), values={**_topic(products, moment), **_spoken(products, meant, moment)})


def _meant(products: Sequence[Product], moment: Moment, lookups: Lookups) -> list[Product]:
    """The products with only the variants that are meant."""
    ontology = lookups.ontology()
    wanted = named_values(moment.state, moment.heard, ontology)
    asked = Query(wanted=wanted, unwanted=moment.state.unwanted)
    return [narrowed(product, asked, ontology, moment.language, now=moment.now) for product in products]


def _cards(products: Sequence[Product], moment: Moment, lookups: Lookups) -> list[dict[str, Any]]:
    return [product_facts.card(product, moment.language, now=moment.now, site=lookups.site) for product in products]


def _spoken(products: Sequence[Product], meant: Sequence[Product], moment: Moment) -> dict[str, Any]:
    """What the state remembers of products that are spoken of, `meant`: with only the variants that are."""
    state = moment.state
    names = tuple(product.product_id for product in products)
    return {
        "focus": names,
        "shown": state.shown if set(names) <= set(state.shown) else names,
        "orders": (),
        **told(products, meant, moment),
    }


def _topic(products: Sequence[Product], moment: Moment) -> dict[str, Any]:
    """What is looked for from now on, where the question was the first to name it: "and in black?" is about that."""
    nouns = [slot.value for slot in moment.heard.named("category") if not slot.negated]
    new = nouns and not {product.product_id for product in products} & set(moment.state.shown)
    return {"words": nouns[0], "category": "", "wanted": {}, "unwanted": {}} if new and len(nouns) == 1 else {}


def _of_one(product: Product, card: dict[str, Any], moment: Moment) -> dict[str, Any]:
    asked = [
        int(slot.value) for slot in moment.heard.named("quantity") if slot.value.isdecimal() and len(slot.value) <= 3
    ]
    quantity = asked[0] if asked and asked[0] > 1 else 1
    facts = {**card, "quantity": quantity}
    if quantity > 1:
        facts["total"] = product_facts.total(product, quantity, moment.now)
        facts["enough"] = product.stock is None or product.stock >= quantity
    return facts


def _comparison(
    products: Sequence[Product], cards: Sequence[dict[str, Any]], moment: Moment, lookups: Lookups
) -> DialogueAct:
    """Prices and the aspects in which they differ, side by side."""
    ontology = lookups.ontology()
    aspects = [product_facts.aspects_of(product, ontology, moment.language) for product in products]
    names = [
        name
        for name in dict.fromkeys(name for known in aspects for name in known)
        if len({known.get(name) for known in aspects}) > 1
    ]
    colon, joint = ("：", "，") if moment.language == "zh" else (": ", ", ")
    rows = [
        {**card, "details": joint.join(f"{name}{colon}{known[name]}" for name in names if name in known)}
        for card, known in zip(cards, aspects, strict=True)
    ]
    cost = [product.price_at(moment.now) for product in products]
    facts: dict[str, Any] = {"products": rows}
    if cost.count(min(cost)) == 1:
        facts["cheapest"] = cards[cost.index(min(cost))]["title"]
    return DialogueAct(name="answer", about="compare", facts=facts)


def check_out(moment: Moment, lookups: Lookups) -> Put:
    """The way to order what the shopper takes; where it is sold out, that."""
    products = spoken_of(moment, lookups)
    if not products:
        return Put(acts=(DialogueAct(name="clarify", about="which"),))
    if len(products) > 1 and not moment.heard.named("item"):
        which = DialogueAct(name="clarify", about="which_of", facts={"products": _cards(products, moment, lookups)})
        return Put(acts=(which,))
    acts = []
    meant = _meant(products, moment, lookups)
    for product, card in zip(meant, _cards(meant, moment, lookups), strict=True):
        facts = _of_one(product, card, moment)
        name = "sold_out" if product.sold_out else "link" if "url" in card else ""
        acts.append(DialogueAct(name="check_out" if name != "sold_out" else "inform_none", about=name, facts=facts))
    return Put(acts=tuple(acts), values=_spoken(products, meant, moment))


_TOLD = re.compile(
    r"\b(?:you|they|he|she|site|website|page|ad|advert|agent|colleague)\b.{0,30}\b(?:told|said|says|say|promised|quoted|wrote)\b|\b(?:told|promised|quoted)\b|\bit (?:was|says|said)\b"
    r"|(?:刚才|之前|昨天|刚刚|客服|你们?|网站|网页|页面|广告).{0,12}(?:说|写|讲|答应|标)|明明|不是说好",
    re.IGNORECASE,
)


_BARE = re.compile(
    r"(?a)(?:\b(?:was|is|for|at|cost|costs)|是|才|只要|卖|标价?|写的?|说的?) ?(\d{1,6}(?:\.\d{1,2})?)(?=一?[盒件个条双本套瓶包袋把只]|$|[,，。.!！?？]| (?!days?|weeks?|hours?|minutes?|left|percent|pieces|more))"
)
"""An amount without a currency, said as a price."""


def claimed_price(moment: Moment) -> Decimal | None:
    """The price that a shopper says they were told; None where none is claimed."""
    if not _TOLD.search(moment.heard.text[:500]):
        return None
    amounts = [slot.value.split()[0] for slot in moment.heard.named("price") if slot.value]
    bare = _BARE.search(moment.heard.text[:500])
    for amount in (*amounts, *([bare[1]] if bare else [])):
        try:
            return Decimal(amount)
        except InvalidOperation:
            continue
    return None


def _prices(product: Product, moment: Moment) -> set[Decimal]:
    """What a product costs, each of its variants."""
    variants = (product.price_at(moment.now, variant.variant_id) for variant in product.variants)
    return {price.major for price in (product.price_at(moment.now), *variants)}


def bargain(moment: Moment, lookups: Lookups) -> Put:
    """The price as it stands, which nobody here can change, and the offers that this person may be made."""
    products = spoken_of(moment, lookups)[:1]
    claimed = claimed_price(moment)
    meant = _meant(products, moment, lookups)
    cards = _cards(meant, moment, lookups)
    spoken = _spoken(products, meant, moment) if products else {}
    if claimed is not None and products and claimed not in _prices(meant[0], moment):
        return Put(acts=(DialogueAct(name="correct", about="price", facts=cards[0]),), values=spoken)
    acts = [DialogueAct(name="decline", about="bargain", facts=cards[0] if cards else {})]
    impressions: list[tuple[str, float]] = []
    for offer in lookups.offers(moment.customer_id, moment.language):
        if not offer.product_ids or not products or products[0].product_id in offer.product_ids:
            coupon = {"coupon": offer.coupon} if offer.coupon else {}
            facts = {"offer": shown_text.plain(offer.title), "offer_id": offer.offer_id, **coupon}
            acts.append(DialogueAct(name="answer", about="offer", facts=facts))
            impressions.append((f"offer:{offer.offer_id}", offer.propensity))
            break
    return Put(acts=tuple(acts), values=spoken, impressions=tuple(impressions))
