"""From copy and customer to a message: personal slots filled in after the checks, footer, labels, proof record.

Law: 广告法 43 (identity and a way to refuse), GB 45438-2025 (AI label), CAN-SPAM (postal address). Sends nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from zhanggui.catalog.product import Product
from zhanggui.content.discount import stated
from zhanggui.content.message import Message
from zhanggui.content.name import printed_name
from zhanggui.content.settings import ContentSettings
from zhanggui.content.template import render, shipped
from zhanggui.content.write import Copy
from zhanggui.decisioning.decision import Decision
from zhanggui.profiles.consent import Consent


@dataclass(frozen=True, kw_only=True)
class Sender:
    """The shop, as a message names it."""

    name: str
    address: str
    contact: str
    url: str


def message_id(run_id: str, customer_id: str, channel: str) -> str:
    """Deterministic: one message a run, customer and channel."""
    return hashlib.sha256(f"{run_id}\x1f{customer_id}\x1f{channel}".encode()).hexdigest()[:40]


def compose(
    decision: Decision,
    copy: Copy,
    *,
    address: str,
    traits: Mapping[str, Any],
    product: Product | None,
    sender: Sender,
    unsubscribe_url: str,
    basis: Consent | None,
    send_at: datetime | None,
    expires_at: datetime | None,
    settings: ContentSettings,
) -> Message:
    """The message of a decision. `traits` may hold first_name and points; `basis` is the consent that allows it.

    `product`, where one is advertised, is shown with its price at `send_at`; who sends compares that with the price then.
    Raises TemplateError for a broken template of the operator's.
    """
    brief, channel = copy.brief, decision.action.channel or ""
    ai = copy.source == "model"
    name = f"{channel}.{brief.language}"
    own = settings.templates.get(name)
    points = traits.get("points")
    shown = _shown(product, brief.about, sender, send_at)
    body = render(
        own or shipped(channel, brief.language),
        {
            "first_name": printed_name(traits.get("first_name")) if decision.personalised else "",
            "city": printed_name(traits.get("city")) if decision.personalised else "",
            "points": str(int(points)) if decision.personalised and points else "",
            "pitch": copy.pitch,
            "about": brief.about,
            "product": shown,
            "personalised": decision.personalised,
            "ai_label": ai and settings.label_ai,
            "shop": asdict(sender),
            "unsubscribe_url": unsubscribe_url,
            "offer": {
                "title": brief.offer_title,
                "discount": brief.discount,
                "coupon": brief.coupon,
                "valid_until": brief.valid_until,
                "named": stated(brief.discount, brief.offer_title),
            },
        },
        name=name,
    )
    proof = {
        "facts": brief.evidence | ({"price": shown["price"]} if shown["price"] else {}),
        "stage_used": brief.stage,
        "personalised": decision.personalised,
        "claims": [asdict(one) for one in copy.claims],
        "checks": list(copy.checks),
        "exemptions": [asdict(one) for one in settings.exemptions],
        "source": copy.source,
        "model": copy.model,
        "prompt_hash": copy.prompt_hash,
        "template": f"{'operator' if own else 'shipped'}:{name}",
        "why_template": copy.why_template,
        "brief_id": brief.brief_id,
        "propensity": decision.propensity,
        "policy": decision.policy,
        "policy_version": decision.policy_version,
        "snapshot_version": decision.snapshot_version,
        "ai_label": ai and settings.label_ai,
        "consent": None
        if basis is None
        else {
            "at": basis.at.isoformat(),
            "how": basis.how,
            "text": basis.text,
        },
    }
    return Message(
        message_id=message_id(decision.run_id, decision.customer_id, channel),
        run_id=decision.run_id,
        customer_id=decision.customer_id,
        channel=channel,
        address=address,
        language=brief.language,
        subject=_subject(copy, channel, settings),
        body=body,
        decision_id=decision.decision_id,
        send_at=send_at,
        expires_at=expires_at,
        data={
            "offer_id": decision.action.offer_id,
            "product_id": decision.action.product_id,
            "category": decision.action.category,
            "price": shown["price"],
            "product_url": shown["url"],
            "coupon": brief.coupon,
        },
        proof=proof,
    )


def _shown(product: Product | None, title: str, sender: Sender, at: datetime | None) -> dict[str, Any]:
    """What a template may print of a product, "" for what it has not. A feed is untrusted: only links to the shop's site."""
    if product is None:
        return {"title": "", "price": "", "dearer": False, "url": ""}
    host, own = (urlsplit(one).hostname or "" for one in (product.url, sender.url))
    site = own.removeprefix("www.")
    leads_home = site and (host == site or host.endswith(f".{site}"))
    return {
        "title": title,
        "price": str(product.price_at(at)) if at else "",
        "dearer": at is not None and len(set(product.price_range_at(at))) > 1,
        "url": product.url if leads_home else "",
    }


def _subject(copy: Copy, channel: str, settings: ContentSettings) -> str:
    brief = copy.brief
    if channel == "sms":
        return ""
    subject = brief.offer_title or brief.about
    if brief.language == "zh" and settings.label_advertising:
        return f"（广告）{subject}"[:120]
    return subject[:120]
