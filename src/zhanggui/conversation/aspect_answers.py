"""Answers about what products are: an aspect of theirs, its other values, everything that the catalogue says.

Pure but for its look-ups. Knows no sentence, and says nothing that the catalogue does not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from zhanggui.catalog.product import Product
from zhanggui.conversation import product_facts
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.commands import ASPECT_SLOTS, aspect_of
from zhanggui.conversation.find import find
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import query_of, there

_ASPECTS = 3
"""So many aspects are answered at once."""
_ALSO = 2
"""So many other products are named where others of the kind have other values."""
_OTHER = re.compile(r"\b(?:other|another|different|else)\b|别的|其他|其它|另外", re.IGNORECASE)


def attributes(
    products: Sequence[Product], cards: Sequence[dict[str, Any]], moment: Moment, lookups: Lookups
) -> list[DialogueAct]:
    """What the catalogue says of the aspects that are asked about; where it says nothing, that."""
    asked = [slot.value for slot in moment.heard.named("aspect")]
    if not asked:
        values = [slot for slot in moment.heard.slots if slot.name in ASPECT_SLOTS]
        asked = [aspect for slot in values if (aspect := aspect_of(slot, lookups.ontology())[0])]
        if values and not asked:
            return [
                DialogueAct(name="not_known", about="attribute", facts={"title": card["title"]}) for card in cards[:1]
            ]
    if not asked:
        return [described(product, card, moment, lookups) for product, card in zip(products[:1], cards, strict=False)]
    acts = []
    for product, card in zip(products, cards, strict=True):
        for aspect in dict.fromkeys(asked[:_ASPECTS]):
            label, value = product_facts.value_of(product, aspect, lookups.ontology(), moment.language)
            if value:
                facts = {"title": card["title"], "aspect": label, "value": value}
                acts.append(DialogueAct(name="answer", about="attribute", facts=facts))
            else:
                acts.append(DialogueAct(name="not_known", about="attribute", facts={"title": card["title"]}))
    known = [act for act in acts if act.name == "answer"]
    also = list(_also(products, asked[0], moment, lookups)) if _OTHER.search(moment.heard.text) else []
    return [*(known or acts[:1]), *also[:_ALSO]]


def _also(products: Sequence[Product], aspect: str, moment: Moment, lookups: Lookups) -> Iterator[DialogueAct]:
    """Others of the kind that is looked for, and which values of the aspect they have."""
    state, ontology = moment.state, lookups.ontology()
    if not state.has_noun:
        return
    wanted = {name: values for name, values in state.wanted.items() if name != aspect}
    results = find(replace(query_of(state, lookups.currency), wanted=wanted), lookups.search)
    spoken_of = {product.product_id for product in products}
    for other in there(results, moment, lookups).values() if not results.relaxed else ():
        label, value = product_facts.value_of(other, aspect, ontology, moment.language)
        if value and other.product_id not in spoken_of and not other.sold_out:
            card = product_facts.card(other, moment.language, now=moment.now, site=lookups.site)
            facts = {"title": card["title"], "aspect": label, "value": value}
            yield DialogueAct(name="answer", about="attribute_also", facts=facts)


def described(product: Product, card: dict[str, Any], moment: Moment, lookups: Lookups) -> DialogueAct:
    """Everything that the catalogue says of a product."""
    aspects = product_facts.aspects_of(product, lookups.ontology(), moment.language)
    colon, joint = ("：", "；") if moment.language == "zh" else (": ", "; ")
    facts = {
        **card,
        **({"details": joint.join(f"{name}{colon}{value}" for name, value in aspects.items())} if aspects else {}),
    }
    return DialogueAct(name="answer", about="description", facts=facts)
