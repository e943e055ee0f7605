"""The offers that the assistant may name to a person: those that the shop's campaigns would make to them now.

So consent, caps, suppression, eligibility, stock and the holdout hold in a conversation as they do in a message.
"""

from collections.abc import Callable

from zhanggui.catalog.product import Language
from zhanggui.conversation.lookups import Offer
from zhanggui.engine.campaigns import Campaigns, CampaignView
from zhanggui.errors import ZhangguiError

Offers = Callable[[str, Language], tuple[Offer, ...]]


def offers(campaigns: Campaigns) -> Offers:
    """A function that says which offers a person may be made, in a language; none for who is not known."""

    def allowed(customer_id: str, language: Language) -> tuple[Offer, ...]:
        if not customer_id:
            return ()
        chosen = (_chosen(campaigns, campaign, customer_id, language) for campaign in campaigns.all())
        return tuple(offer for offer in chosen if offer is not None)

    return allowed


def _chosen(campaigns: Campaigns, campaign: CampaignView, customer_id: str, language: Language) -> Offer | None:
    """What a campaign decides for this person: an offer, or nothing."""
    try:
        (explained,) = campaigns.explain(campaign.name, [customer_id], moment=campaigns.parts.clock())
    except ZhangguiError:  # a campaign that cannot decide makes no offer; its runs say why
        return None
    decision = explained.decision
    if decision.arm != "treated" or decision.action.offer_id is None:
        return None
    text = next(one for one in campaign.definition["offers"] if one["id"] == decision.action.offer_id)
    titles = text["title"]
    return Offer(
        offer_id=decision.action.offer_id,
        title=titles.get(language) or next(iter(titles.values())),
        coupon=text.get("coupon", ""),
        product_ids=tuple(text.get("products", ())),
        propensity=decision.propensity,
    )
