"""Unsubscribe links: signed, without a session, valid for good (RFC 8058). Makes and reads tokens; withdraws nothing."""

import base64
import hashlib
import hmac
import html
import json
from dataclasses import dataclass

from zhanggui.catalog.product import Language
from zhanggui.errors import NotFoundError


@dataclass(frozen=True, kw_only=True)
class Unsubscription:
    """What a token says: who wants to hear no more, on which channel, of which purpose."""

    customer_id: str
    channel: str
    purpose: str
    language: Language


def token(wish: Unsubscription, secret: bytes) -> str:
    """The wish, signed (HMAC-SHA256)."""
    parts = [wish.customer_id, wish.channel, wish.purpose, wish.language]
    payload = _encode(json.dumps(parts, ensure_ascii=False).encode())
    return f"{payload}.{_encode(_sign(payload, secret))}"


def read(text: str, secret: bytes) -> Unsubscription:
    """The wish in a token. Raises NotFoundError when we did not sign it."""
    payload, _, signature = text.partition(".")
    try:
        given = base64.urlsafe_b64decode(signature + "==")
        if not hmac.compare_digest(given, _sign(payload, secret)):
            raise ValueError
        customer_id, channel, purpose, language = json.loads(base64.urlsafe_b64decode(payload + "=="))
    except ValueError as error:
        raise NotFoundError("this unsubscribe link is not one of ours, or it was cut off") from error
    return Unsubscription(customer_id=customer_id, channel=channel, purpose=purpose, language=language)


_LANG = {"en": "en", "zh": "zh-CN"}
_TEXTS = {
    "en": (
        "Unsubscribe",
        "No more news from {shop} on this channel?",
        "Yes, unsubscribe",
        "You are unsubscribed. {shop} will not write to you on this channel any more.",
    ),
    "zh": ("退订", "不再接收{shop}在此渠道的资讯？", "确认退订", "已退订。{shop}不会再通过此渠道给您发送营销消息。"),
}
_BROKEN = {
    "zh": (
        "这个退订链接不完整",
        "它可能被截断或改动过，所以什么也没有改变。请回到消息中，完整地打开或复制其中的退订链接。",
        "如果仍然不行，请联系{shop}，我们会为您退订{contact}。",
    ),
    "en": (
        "This unsubscribe link is not whole",
        "It may have been cut off or changed, so nothing was done. Please go back to the message and open or copy its "
        "whole unsubscribe link.",
        "If that does not help, write to {shop}, and we will unsubscribe you{contact}.",
    ),
}


def page(language: Language, shop: str, *, done: bool) -> str:
    """The page behind the link: a question with one button, or the confirmation."""
    title, question, button, finished = (text.format(shop=html.escape(shop)) for text in _TEXTS[language])
    body = f"<p>{finished}</p>" if done else f'<p>{question}</p><form method="post"><button>{button}</button></form>'
    return _html(_LANG[language], title, f"<h1>{title}</h1>{body}")


def broken_page(shop: str, contact: str) -> str:
    """What stands behind a link that is none of ours, in both languages: it says nothing of who asks."""
    parts = []
    for language, texts in _BROKEN.items():
        where = (f"（{contact}）" if language == "zh" else f" ({contact})") if contact else ""
        title, *lines = (html.escape(text.format(shop=shop, contact=where)) for text in texts)
        told = "".join(f"<p>{line}</p>" for line in lines)
        parts.append(f'<section lang="{_LANG[language]}"><h1>{title}</h1>{told}</section>')
    return _html("zh-CN", " · ".join(texts[0] for texts in _BROKEN.values()), "".join(parts))


def _html(lang: str, title: str, body: str) -> str:
    style = (
        "body{font:18px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;max-width:30em;margin:4em auto;"
        "padding:0 1em;color:#222}button{font:inherit;padding:.5em 1.5em;border:0;border-radius:.4em;"
        "background:#8a3b22;color:#fff}"
    )
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{style}</style></head><body>'
        f"{body}</body></html>"
    )


def _sign(payload: str, secret: bytes) -> bytes:
    return hmac.new(secret, payload.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
