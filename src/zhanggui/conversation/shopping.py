"""The search goes on: what fits the state, and the act that the dialogue policy chooses. Knows no sentence and no store.

A product is put before the shopper with the price of this moment; what had to be given up to find it is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

from zhanggui.catalog.ontology import Ontology, aspect_values
from zhanggui.catalog.product import Product
from zhanggui.catalog.search import Query, Relaxation, Results, relaxed_query
from zhanggui.catalog.search.query import Sort
from zhanggui.conversation import belief, product_facts, shown_text
from zhanggui.conversation.act import PATIENCE, RECOMMEND, DialogueAct, DialoguePolicy, contexts
from zhanggui.conversation.find import find
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.state import NAMES, BeliefState
from zhanggui.conversation.variants import narrowed, priced_variant
from zhanggui.decisioning.assignment import uniforms
from zhanggui.money import Money, to_minor

CANDIDATES = 100
"""So many of the search's results are weighed."""
SHOWN = 3
"""So many products are put before the shopper at once: more than three are not read."""
_CHOICES = 8
_SORTS: Mapping[str, Sort] = {"cheapest": "price", "dearest": "-price"}


@dataclass(frozen=True, kw_only=True)
class Put:
    """Acts, what they change in the state, and the products put before the shopper with their propensities."""

    acts: tuple[DialogueAct, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the state -> new values."""
    impressions: tuple[tuple[str, float], ...] = ()


def query_of(state: BeliefState, currency: str) -> Query:
    """The search that a state asks for."""

    def money(text: str) -> Money | None:
        return Money(currency=currency, minor=to_minor(Decimal(text), currency)) if text else None

    return Query(
        text=state.words,
        language=state.language,
        category=state.category,
        wanted=state.wanted,
        unwanted={aspect: values for aspect, values in state.unwanted.items() if aspect != NAMES},
        price_min=money(state.price_min),
        price_max=money(state.price_max),
        sort=_SORTS.get(state.sort, "relevance"),
        limit=CANDIDATES,
    )


def go_on(moment: Moment, lookups: Lookups, policy: DialoguePolicy, *, others: bool, choose: bool) -> Put:
    """The next act of the search. `others`: something else than what was shown; `choose`: the shopper leaves it to us."""
    state, ontology = moment.state, lookups.ontology()
    results = find(query_of(state, lookups.currency), lookups.search)
    products = there(results, moment, lookups)
    results = replace(results, total=results.total - (len(results.product_ids) - len(products)))
    fresh = [name for name in products if name not in state.prices] if others else []
    ids = fresh or list(products)
    if not ids:
        return _nothing(moment, lookups)
    weights = _belief(state, results, [products[name] for name in ids], ids, ontology)
    asks = {} if choose else _questions(state, [products[name] for name in ids], ontology, moment)
    acts = [RECOMMEND, *asks.values()]
    told = np.array([[0.0, *(_bits(weights, [products[name] for name in ids], aspect, ontology) for aspect in asks)]])
    left = np.array([PATIENCE - len(state.asked) if not state.has_noun or len(ids) > SHOWN else 0])
    seen = contexts(
        weights,
        left,
        told,
        asked=np.array([len(state.asked)]),
        refused=np.array([len(state.refused)]),
        shown=np.array([len(state.prices)]),
        turns=np.array([moment.number]),
    )
    drawn = uniforms([f"{moment.conversation_id}:{moment.number}"], "dialogue policy")
    selection = policy.select(seen, acts, eligible=np.ones((1, len(acts)), dtype=np.bool_), uniforms=drawn)[0]
    if selection.action is not RECOMMEND:
        aspect = next(name for name, act in asks.items() if act is selection.action)
        return Put(acts=(selection.action,), values={"asked": (*state.asked, aspect), "expected": aspect})
    order = belief.likeliest(weights, len(ids))[0] if not state.sort else range(len(ids))
    count = 1 if choose else SHOWN
    chosen = [products[ids[place]] for place in list(order)[:count]]
    put = recommend(moment, lookups, chosen, results=results, propensity=selection.propensity, choose=choose)
    if others and not fresh:
        rest = (act for act in put.acts if act.about != "relaxed")
        put = replace(put, acts=(DialogueAct(name="inform_none", about="no_more"), *rest))
    return put


def _nothing(moment: Moment, lookups: Lookups) -> Put:
    """Say that nothing is there, and what is: the search is not held on to."""
    ontology = lookups.ontology()
    none = DialogueAct(name="inform_none", about="nothing", facts=_looked_for(moment, ontology))
    labels = [
        product_facts.category_label(category.path, ontology, moment.language)
        for category in ontology.categories[:_CHOICES]
    ]
    offer = DialogueAct(name="offer_choices", about="category", facts={"aspect": "", "choices": labels})
    forgotten = {"words": "", "wanted": {}, "expected": "category" if labels else ""}
    acts = (none, offer) if _looked_for(moment, ontology) else (offer,)
    return Put(acts=acts if labels else (none,), values=forgotten)


def there(results: Results, moment: Moment, lookups: Lookups) -> dict[str, Product]:
    """The products that were found, best first, without those that are called as the shopper does not want them."""
    refused = [text.casefold() for text in moment.state.unwanted.get(NAMES, ())]
    products = lookups.products(results.product_ids)
    wanted = [name for name in results.product_ids if name in products and not _is_called(products[name], refused)]
    return {name: products[name] for name in wanted}


def _is_called(product: Product, names: Sequence[str]) -> bool:
    """Whether a product, or its category, is called by one of these names."""
    titles, category = " ".join(product.titles.values()).casefold(), f"{product.category} > ".casefold()
    return any(name in titles or category.startswith(f"{name} > ") for name in names)


def recommend(
    moment: Moment,
    lookups: Lookups,
    chosen: Sequence[Product],
    *,
    results: Results,
    propensity: float,
    choose: bool,
) -> Put:
    """Put products before the shopper, and say what was given up to find them."""
    state, ontology = moment.state, lookups.ontology()
    query = query_of(state, lookups.currency)
    asked = relaxed_query(query, results.relaxed)
    meant = [narrowed(product, asked, ontology, moment.language, now=moment.now) for product in chosen]
    cards = [product_facts.card(product, moment.language, now=moment.now, site=lookups.site) for product in meant]
    more = results.total - len(cards)
    facts = {"products": cards, "total": results.total, **({"more": more} if more > 0 else {})}
    acts = [DialogueAct(name="recommend", about="choice" if choose else "one" if len(cards) == 1 else "", facts=facts)]
    if given_up := _given_up(results.relaxed, moment, ontology, lookups.currency):
        acts.insert(0, DialogueAct(name="inform_none", about="relaxed", facts={"given_up": given_up}))
    elif all(card["sold_out"] for card in cards):
        acts.insert(0, DialogueAct(name="inform_none", about="sold_out", facts={}))
    shown = tuple(product.product_id for product in chosen)
    return Put(
        acts=tuple(acts),
        values={
            "shown": shown,
            "focus": shown if len(shown) == 1 else (),
            **told(chosen, meant, moment),
            "orders": (),
            "expected": "",
        },
        impressions=tuple((name, propensity) for name in shown),
    )


def told(whole: Sequence[Product], meant: Sequence[Product], moment: Moment) -> dict[str, Any]:
    """What the state remembers of the prices that the shopper is told: of products, or of the variants that are meant."""
    state = moment.state
    prices, variants = dict(state.prices), dict(state.variants)
    for product, narrow in zip(whole, meant, strict=True):
        prices[product.product_id] = str(narrow.price_at(moment.now).major)
        variants.pop(product.product_id, None)
        if variant := priced_variant(product, narrow, now=moment.now):
            variants[product.product_id] = variant
    return {"prices": prices, "variants": variants}


def _belief(
    state: BeliefState, results: Results, products: Sequence[Product], ids: Sequence[str], ontology: Ontology
) -> belief.Belief:
    """How probable each product is, by the search's scores and what was accepted and rejected."""
    score = dict(zip(results.product_ids, results.scores, strict=True))
    scores = np.array([[max(score[name], 1e-6) for name in ids]])
    named = (pair for pair in state.unwanted.items() if pair[0] != NAMES)
    pairs = [(aspect, value) for aspect, values in (*state.wanted.items(), *named) for value in values]
    holds = np.array(
        [[value in aspect_values(ontology, product).get(aspect, ()) for aspect, value in pairs] for product in products]
    )
    accepted = np.array([[value in state.wanted.get(aspect, ()) for aspect, value in pairs]])
    return belief.believe(
        np.log(scores) if state.words else np.zeros_like(scores),
        holds.reshape(len(products), len(pairs)),
        accepted=accepted.reshape(1, len(pairs)).astype(np.bool_),
        rejected=~accepted.reshape(1, len(pairs)).astype(np.bool_),
        refused=np.zeros_like(scores, dtype=np.bool_),
    )


def _questions(
    state: BeliefState, products: Sequence[Product], ontology: Ontology, moment: Moment
) -> dict[str, DialogueAct]:
    """The questions that may be asked now: aspects in which the candidates differ, not asked, refused or answered before."""
    settled = {*state.asked, *state.refused, *state.wanted, *(("category",) if state.category else ())}
    questions = {}
    aspects = [known.name for known in ontology.aspects] if state.has_noun or "category" in settled else []
    for aspect in ("category", *aspects):  # of what kind it is to be comes first: a tea and a shirt share no aspect
        if aspect in settled or aspect in ontology.ignored:
            continue
        counts: dict[str, int] = {}
        for product in products:
            for value in _values(product, aspect, ontology):
                counts[value] = counts.get(value, 0) + 1
        if len(counts) < 2:
            continue
        label = product_facts.label_of(aspect, ontology, moment.language) if aspect != "category" else ""
        choices = [
            value_label(aspect, value, ontology, moment)
            for value in sorted(counts, key=lambda value: -counts[value])[:_CHOICES]
        ]
        facts = {"aspect": label, "choices": [choice for choice in choices if choice and choice != "?"]}
        name = "category" if aspect == "category" else ""
        questions[aspect] = DialogueAct(name="offer_choices", about=name, facts=facts)
    return questions


def _values(product: Product, aspect: str, ontology: Ontology) -> Sequence[str]:
    if aspect == "category":
        return (product.category,) if product.category else ()
    return tuple(aspect_values(ontology, product).get(aspect, ()))


def value_label(aspect: str, value: str, ontology: Ontology, moment: Moment) -> str:
    if aspect == "category":
        return product_facts.category_label(value, ontology, moment.language)
    known = ontology.aspect(aspect)
    return shown_text.value(known.label(value, moment.language) if known else value)


def _bits(weights: belief.Belief, products: Sequence[Product], aspect: str, ontology: Ontology) -> float:
    """Bits that the answer to a question about the aspect would tell."""
    values = sorted({value for product in products for value in _values(product, aspect, ontology)})
    holds = np.array([[value in _values(product, aspect, ontology) for value in values] for product in products])
    return float(belief.aspect_entropies(weights, holds, np.zeros(len(values), dtype=np.int64))[0, 0])


def _given_up(relaxed: Sequence[Relaxation], moment: Moment, ontology: Ontology, currency: str) -> str:
    """What was given up, in words: values and amounts, never the shopper's own sentence."""
    words = [lost(relaxation, moment, ontology, currency) for relaxation in relaxed]
    return ("、" if moment.language == "zh" else ", ").join(word for word in words if word)


def lost(relaxation: Relaxation, moment: Moment, ontology: Ontology, currency: str) -> str:
    """What a constraint that was given up is called."""
    chinese = moment.language == "zh"
    match relaxation.constraint:
        case "price_max":
            if dearer := _just_above(moment.state):
                amount = _amount(dearer, currency)
                return f"低于{amount}" if chinese else f"below {amount}"
            amount = _amount(moment.state.price_max, currency)
            return f"{amount}以内" if chinese else f"under {amount}"
        case "price_min":
            amount = _amount(moment.state.price_min, currency)
            return f"{amount}以上" if chinese else f"over {amount}"
        case "words":
            missing = relaxation.value
            named = all(word in moment.state.words.casefold() for word in missing.casefold().split())
            return shown_text.value(missing if missing and named else moment.state.words)
        case "category":
            return product_facts.category_label(relaxation.value, ontology, moment.language)
        case "in_stock":
            return ""
        case aspect:
            return value_label(aspect, relaxation.value, ontology, moment)


def _just_above(state: BeliefState) -> str:
    """The price that "cheaper" was said of: the upper bound is a cent below it; "" where the shopper named an amount."""
    above = Decimal(state.price_max) + Decimal("0.01")
    return next((price for price in state.prices.values() if Decimal(price) == above), "")


def _amount(text: str, currency: str) -> str:
    return shown_text.price(Money(currency=currency, minor=to_minor(Decimal(text or "0"), currency)))


def _looked_for(moment: Moment, ontology: Ontology) -> dict[str, Any]:
    named = any(slot.name in ("category", "feature") for slot in moment.heard.slots)
    text = (shown_text.value(moment.state.words) if named else "") or (
        product_facts.category_label(moment.state.category, ontology, moment.language) if moment.state.category else ""
    )
    return {"looked_for": text} if text else {}
