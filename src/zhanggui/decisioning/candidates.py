"""The candidates of a campaign: each offer on each channel, about what it holds for. Chooses nothing."""

from collections.abc import Iterable, Mapping, Sequence

from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import NO_ACTION, Action, Offer


def candidates(offers: Iterable[Offer], channels: Sequence[str], *, allow_nothing: bool) -> list[Action]:
    """One action per offer, channel and product or category that the offer names; and doing nothing, if allowed."""
    found = [NO_ACTION] if allow_nothing else []
    for offer in offers:
        for channel in channels:
            if offer.product_ids:
                found += [Action(offer_id=offer.offer_id, product_id=one, channel=channel) for one in offer.product_ids]
            elif offer.categories:
                found += [Action(offer_id=offer.offer_id, category=one, channel=channel) for one in offer.categories]
            else:
                found.append(Action(offer_id=offer.offer_id, channel=channel))
    return found


def showcase(products: Mapping[str, Product], category: str) -> Product | None:
    """The product that stands for a category: in stock, with a description, then by id. None when there is none."""
    fitting = [
        one
        for one in products.values()
        if (one.category == category or one.category.startswith(f"{category} >")) and not one.sold_out
    ]
    return min(fitting, key=lambda one: (not one.descriptions, one.product_id), default=None)
