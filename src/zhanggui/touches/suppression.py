"""An operator suppresses an address, or lifts that: what is acceptable, what it changed, in words. Stores nothing."""

from dataclasses import dataclass

from zhanggui.catalog.product import Language
from zhanggui.errors import InputError
from zhanggui.touches.contacts import SuppressionChange


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """How an address stands on a channel after an operator's wish, and how it came to that, latest change first."""

    address: str
    channel: str
    suppressed: bool
    changed: bool
    """Whether the wish changed anything."""
    history: tuple[SuppressionChange, ...]


def checked(address: str, reason: str, *, channel: str) -> tuple[str, str]:
    """Address and reason without the blanks around them. Raises InputError naming the field."""
    address, reason = address.strip(), reason.strip()
    if not address or len(address) > 512 or not address.isprintable():
        raise InputError("it is no address", field="address", hint="up to 512 printable characters")
    if channel == "email" and "@" not in address:
        raise InputError(f"{address!r} is no e-mail address", field="address", hint="name the channel that it is for")
    if not reason or len(reason) > 200 or not reason.isprintable():
        raise InputError(
            "it is empty" if not reason else "it is too long" if len(reason) > 200 else "it is no line of text",
            field="reason",
            hint="say why in up to 200 printable characters: it is kept",
        )
    return address, reason


def in_words(found: Suppression, language: Language) -> str:
    """What became of the wish, in one or two sentences."""
    zh = language == "zh"
    last = found.history[0] if found.history else None
    since = "" if last is None else f"{last.at:%Y-%m-%d}"
    where = {"address": found.address, "channel": found.channel, "since": since, "reason": last.reason if last else ""}
    if found.suppressed and found.changed:
        text = (
            "{address} 已禁发：{channel} 渠道不会再向它发送任何消息。"
            if zh
            else "{address} is suppressed: nothing will be sent to it on {channel} any more."
        )
    elif found.suppressed:
        text = (
            "{address} 在 {channel} 渠道早已禁发（{since}：{reason}），没有改变。"
            if zh
            else "{address} was suppressed on {channel} already ({since}: {reason}); nothing was changed."
        )
    elif found.changed:
        text = (
            "{address} 在 {channel} 渠道已解除禁发。这不等于同意：营销消息仍需本人同意。"
            if zh
            else "{address} may be used on {channel} again. That is no consent: marketing still needs hers."
        )
    else:
        text = (
            "{address} 在 {channel} 渠道没有被禁发，没有改变。"
            if zh
            else "{address} was not suppressed on {channel}; nothing was changed."
        )
    return text.format(**where)
