"""Zhanggui (掌柜): an AI marketing engine that an online shop runs itself.

`Engine` is the library's door; the other names are the nouns that it speaks in. Names load when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zhanggui.campaigns.campaign import Campaign
    from zhanggui.catalog.product import Product
    from zhanggui.content.message import Message
    from zhanggui.decisioning.action import NO_ACTION, Action, Offer
    from zhanggui.decisioning.decision import Decision
    from zhanggui.delivery.channel import Receipt
    from zhanggui.engine import Engine
    from zhanggui.errors import ZhangguiError
    from zhanggui.events.event import Event
    from zhanggui.llm.model import ChatMessage, ChatRequest, Completion, Sampling
    from zhanggui.money import Money
    from zhanggui.policies.policy import Selection, Selections
    from zhanggui.profiles.profile import Profile

__all__ = [
    "NO_ACTION",
    "Action",
    "Campaign",
    "ChatMessage",
    "ChatRequest",
    "Completion",
    "Decision",
    "Engine",
    "Event",
    "Message",
    "Money",
    "Offer",
    "Product",
    "Profile",
    "Receipt",
    "Sampling",
    "Selection",
    "Selections",
    "ZhangguiError",
]
_HOMES = {
    "Campaign": "campaigns.campaign",
    "Product": "catalog.product",
    "Message": "content.message",
    "NO_ACTION": "decisioning.action",
    "Action": "decisioning.action",
    "Offer": "decisioning.action",
    "Decision": "decisioning.decision",
    "Receipt": "delivery.channel",
    "Engine": "engine",
    "ZhangguiError": "errors",
    "Event": "events.event",
    "ChatMessage": "llm.model",
    "ChatRequest": "llm.model",
    "Completion": "llm.model",
    "Sampling": "llm.model",
    "Money": "money",
    "Selection": "policies.policy",
    "Selections": "policies.policy",
    "Profile": "profiles.profile",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zhanggui' has no attribute {name!r}")
    return getattr(import_module(f"zhanggui.{_HOMES[name]}"), name)
