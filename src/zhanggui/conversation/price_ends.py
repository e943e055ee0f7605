"""What is said where nothing is cheaper, or dearer, than what was shown: that, and what to give up for something that is.

Pure but for its look-ups. Knows no sentence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from zhanggui.catalog.product import Product
from zhanggui.catalog.search import Query, Relaxation, Results
from zhanggui.conversation import product_facts, shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.commands import asks_for
from zhanggui.conversation.find import find, near
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import Put, lost, query_of, recommend, there, value_label

_BOUNDS = {"cheaper": "price_max", "dearer": "price_min"}


def beyond(moment: Moment, lookups: Lookups) -> Put | None:
    """The answer to who asks for something cheaper, or dearer, where nothing that fits is; None for everybody else."""
    asked = asks_for(moment.heard)
    bound = _BOUNDS.get(asked, "")
    if not bound or not getattr(moment.state, bound):
        return None
    query = query_of(moment.state, lookups.currency)
    if _fitting(lookups.search(query), moment, lookups):
        return None
    unbounded = lookups.search(_without(query, bound))
    shown = lookups.products(moment.state.focus or moment.state.shown)
    known = [*_fitting(unbounded, moment, lookups), *shown.values()]
    if not known:
        return None
    end = (min if bound == "price_max" else max)(known, key=lambda product: product.price_at(moment.now))
    card = product_facts.card(end, moment.language, now=moment.now, site=lookups.site)
    none = DialogueAct(name="inform_none", about=asked, facts=card)
    for given_up, results in _with_less(query, bound, moment, lookups):
        if products := _fitting(results, moment, lookups):
            return _shown(products[0], replace(none, facts={**card, "given_up": given_up}), bound, moment, lookups)
    if tuple(shown) == (end.product_id,):  # it is what is spoken of: no need to show it again
        return Put(acts=(none,), values={bound: ""})
    return _shown(end, none, bound, moment, lookups)


def _shown(product: Product, none: DialogueAct, bound: str, moment: Moment, lookups: Lookups) -> Put:
    """Say that there is nothing beyond, and put one product before the shopper."""
    only = Results(product_ids=(product.product_id,), scores=(0.0,), total=1, facets={}, relaxed=(), corrected="")
    put = recommend(moment, lookups, [product], results=only, propensity=1.0, choose=False)
    return replace(put, acts=(none, *put.acts), values={**put.values, bound: ""})


def _without(query: Query, bound: str) -> Query:
    return replace(query, price_min=None) if bound == "price_min" else replace(query, price_max=None)


def _fitting(results: Results, moment: Moment, lookups: Lookups) -> list[Product]:
    """The products found that keep everything that was asked for."""
    return [] if results.relaxed else list(there(near(results), moment, lookups).values())


def _with_less(query: Query, bound: str, moment: Moment, lookups: Lookups) -> Iterator[tuple[str, Results]]:
    """What is found without the other bound, without one of the wishes, the last one first, without all, of another kind."""
    ontology, wanted = lookups.ontology(), query.wanted
    other = "price_min" if bound == "price_max" else "price_max"
    if getattr(query, other) is not None:
        given_up = lost(Relaxation(constraint=other, value=""), moment, ontology, lookups.currency)
        yield given_up, find(_without(query, other), lookups.search)
    joint = "、" if moment.language == "zh" else ", "

    def named(values: Mapping[str, tuple[str, ...]]) -> str:
        labels = (value_label(aspect, value, ontology, moment) for aspect, listed in values.items() for value in listed)
        return joint.join(label for label in labels if label)

    for aspect in reversed(list(wanted)):
        others = {name: values for name, values in wanted.items() if name != aspect}
        yield named({aspect: wanted[aspect]}), find(replace(query, wanted=others), lookups.search)
    if len(wanted) > 1:
        yield named(wanted), find(replace(query, wanted={}), lookups.search)
    if query.text:
        yield shown_text.value(query.text), find(query, lookups.search)
