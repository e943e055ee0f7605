"""The knobs of content, with safe defaults. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A term that the operator allows in spite of the advertising-law rule; the reason is kept in each proof."""

    term: str
    """The exact words."""
    reason: str
    """Why they are lawful here: a certificate, a registered name, a self-comparison."""


@dataclass(frozen=True, kw_only=True)
class ContentSettings:
    """How words are written and checked."""

    candidates: int = 6
    """Texts that the model writes for each brief; the best that passes every check is used."""
    max_tokens: int = 40
    """Length of a candidate."""
    temperature: float = 0.3
    """Of sampling."""
    seed: int = 7
    """Of sampling."""
    pitch_characters: int = 220
    """Longest pitch, in characters."""
    body_characters: Mapping[str, int] = field(default_factory=lambda: {"sms": 300})
    """Longest body by channel; 4,000 where none is named."""
    exemptions: tuple[Exemption, ...] = ()
    """Terms allowed in spite of the advertising-law rule."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """The operator's own Liquid templates, by "channel.language", instead of the shipped ones. Slots: `pitch`, `about`; `product`
    with `title`, `price`, `dearer` (there are dearer variants, too), `url`; `offer` with `title`, `discount`, `coupon`,
    `valid_until`, `named` (the title says the discount);
    `first_name`, `city`, `points`; `shop` with `name`, `address`, `contact`, `url`; `unsubscribe_url`, `personalised`, `ai_label`.
    What a message has not is ""."""
    label_ai: bool = True
    """Say in the message when a model wrote a part of it (GB 45438-2025)."""
    label_advertising: bool = True
    """Mark the subject of a Chinese marketing e-mail with （广告） (互联网电子邮件服务管理办法 13)."""
