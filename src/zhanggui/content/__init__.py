"""What to say: brief, prompt, candidates, claims, rules, templates, the message with its proof."""

from zhanggui.content.brief import Brief, brief_for
from zhanggui.content.message import Message
from zhanggui.content.settings import ContentSettings, Exemption

__all__ = ["Brief", "ContentSettings", "Exemption", "Message", "brief_for"]
