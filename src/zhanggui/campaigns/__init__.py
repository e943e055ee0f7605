"""Who pulls the line: campaigns, their durable runs, learning."""

from zhanggui.campaigns.campaign import Campaign, OfferText
from zhanggui.campaigns.store import Run

__all__ = ["Campaign", "OfferText", "Run"]
