"""What has changed in the shop since a conversation spoke of it: prices, pages, the ontology. Pure but for the look-ups."""

import hashlib
from collections.abc import Mapping

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.product import Product, with_variants
from zhanggui.conversation import product_facts
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import Put
from zhanggui.conversation.state import NAMES, BeliefState


def digest(ontology: Ontology) -> str:
    """Stands for an ontology: another one has another digest."""
    parts = [
        *(category.path for category in ontology.categories),
        *(f"{aspect.name}={value.value}" for aspect in ontology.aspects for value in aspect.values),
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def notice(moment: Moment, lookups: Lookups) -> Put:
    """Say what is not as it was told, and bring the state up to date."""
    state = moment.state
    acts, values = _of_products(moment, lookups)
    pages = {citation: lookups.digest(citation, moment.language) for citation in state.cited}
    stale = [citation for citation, told in state.cited.items() if pages[citation] != told]
    if stale:
        acts += [DialogueAct(name="notice", about="page", facts={"source": citation}) for citation in stale[:1]]
        values["cited"] = {citation: now for citation, now in pages.items() if now}
    ontology = lookups.ontology()
    if state.ontology != (now := digest(ontology)):
        values["ontology"] = now
        lost = without_lost_values(state, ontology) if state.ontology else {}
        if lost:
            values |= lost
            acts.append(DialogueAct(name="notice", about="ontology"))
    return Put(acts=tuple(acts), values=values)


def _of_products(moment: Moment, lookups: Lookups) -> tuple[list[DialogueAct], dict[str, object]]:
    """Prices that changed among the products that are spoken of, and products that are gone."""
    state = moment.state
    spoken = tuple(dict.fromkeys((*state.focus, *state.shown)))
    if not spoken:
        return [], {}
    products = lookups.products(spoken)
    acts = []
    prices = dict(state.prices)
    for name in spoken:
        product, told = products.get(name), state.prices.get(name)
        if product is None or told is None:
            continue
        spoken_of = _as_told(product, state.variants.get(name, ""))
        if told != (now := str(spoken_of.price_at(moment.now).major)):
            card = product_facts.card(spoken_of, moment.language, now=moment.now, site=lookups.site)
            acts.append(DialogueAct(name="notice", about="price", facts=card))
            prices[name] = now
    values: dict[str, object] = {"prices": prices} if acts else {}
    if any(name not in products for name in spoken):
        acts.append(DialogueAct(name="notice", about="gone"))
        values["shown"] = tuple(name for name in state.shown if name in products)
        values["focus"] = tuple(name for name in state.focus if name in products)
    return acts, values


def _as_told(product: Product, variant_id: str) -> Product:
    """A product with only the variant whose price was told; whole where none was, or where it is gone."""
    told = [variant for variant in product.variants if variant.variant_id == variant_id]
    return with_variants(product, told) if told else product


def without_lost_values(state: BeliefState, ontology: Ontology) -> dict[str, object]:
    """The constraints of a state that the ontology still knows, where it does not know all of them."""
    known = {aspect.name: {value.value for value in aspect.values} for aspect in ontology.aspects}
    kept: dict[str, object] = {}
    for field in ("wanted", "unwanted"):
        before: Mapping[str, tuple[str, ...]] = getattr(state, field)
        left = {
            aspect: there
            for aspect, values in before.items()
            if (there := tuple(value for value in values if aspect == NAMES or value in known.get(aspect, ())))
        }
        if left != before:
            kept[field] = left
    if state.category and state.category not in {category.path for category in ontology.categories}:
        kept["category"] = ""
    return kept
