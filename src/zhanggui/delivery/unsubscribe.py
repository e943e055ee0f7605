"""Unsubscribe links: signed, without a session, valid for good (RFC 8058). Makes and reads tokens; withdraws nothing."""

import base64
import hashlib
import hmac
import html
import json
from dataclasses import dataclass

from zhanggui.catalog.product import Language
from zhanggui.errors import AccessError


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
    """The wish in a token. Raises AccessError when we did not sign it."""
    payload, _, signature = text.partition(".")
    try:
        given = base64.urlsafe_b64decode(signature + "==")
        if not hmac.compare_digest(given, _sign(payload, secret)):
            raise ValueError
        customer_id, channel, purpose, language = json.loads(base64.urlsafe_b64decode(payload + "=="))
    except ValueError as error:
        raise AccessError("this unsubscribe link is not one of ours, or it was cut off") from error
    return Unsubscription(customer_id=customer_id, channel=channel, purpose=purpose, language=language)


_TEXTS = {
    "en": (
        "Unsubscribe",
        "No more news from {shop} on this channel?",
        "Yes, unsubscribe",
        "You are unsubscribed. {shop} will not write to you on this channel any more.",
    ),
    "zh": ("退订", "不再接收{shop}在此渠道的资讯？", "确认退订", "已退订。{shop}不会再通过此渠道给您发送营销消息。"),
}


def page(language: Language, shop: str, *, done: bool) -> str:
    """The page behind the link: a question with one button, or the confirmation."""
    title, question, button, finished = (text.format(shop=html.escape(shop)) for text in _TEXTS[language])
    body = f"<p>{finished}</p>" if done else f'<p>{question}</p><form method="post"><button>{button}</button></form>'
    style = (
        "body{font:18px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;max-width:30em;margin:4em auto;"
        "padding:0 1em;color:#222}button{font:inherit;padding:.5em 1.5em;border:0;border-radius:.4em;"
        "background:#8a3b22;color:#fff}"
    )
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{style}</style></head><body><h1>{title}</h1>'
        f"{body}</body></html>"
    )


def _sign(payload: str, secret: bytes) -> bytes:
    return hmac.new(secret, payload.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
