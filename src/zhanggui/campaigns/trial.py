"""One real message of a campaign for the operator's own eyes, marked as a test. Asks no consent, since it is about no customer.

It is no touch: nothing of it is logged, counted or kept, and its unsubscribe link belongs to nobody.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.messages import PERSONAL, brief_of
from zhanggui.campaigns.plan import choice
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.catalog.product import Language
from zhanggui.content.compose import compose
from zhanggui.content.message import Message
from zhanggui.content.write import write
from zhanggui.decisioning.decision import Decision
from zhanggui.delivery.channel import Receipt
from zhanggui.errors import CampaignError, DeliveryError, InputError
from zhanggui.touches import contacts

MARK: Mapping[Language, str] = {"en": "[Test] ", "zh": "【测试】"}
"""Before the subject; where there is none, before the words."""
_RUN = "test"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A test message, and what the channel said to it."""

    message: Message
    receipt: Receipt


def trial(
    parts: RunParts,
    campaign: Campaign,
    *,
    to: str,
    channel: str | None,
    profile: Mapping[str, Any] | None,
    now: datetime,
) -> Trial:
    """Send a campaign's first offer to the address `to` on a channel, by default the campaign's first, as it would be written
    for who has this profile (its PERSONAL columns), or for somebody nothing is known of.

    Raises InputError for a channel that is not the campaign's or an address that is suppressed, CampaignError for a campaign
    without an offer.
    """
    channel = channel or campaign.channels[0]
    if channel not in campaign.channels:
        raise InputError(
            f"the campaign {campaign.name!r} does not use the channel {channel!r}",
            field="channel",
            hint=f"it uses {', '.join(campaign.channels)}",
        )
    with parts.database.reading() as connection:
        if contacts.suppressed(connection, channel, [to]):
            raise InputError(f"{to} is suppressed on {channel}", field="to", hint="`zhanggui suppress ADDRESS --lift`")
    message = _message(parts, campaign, to=to, channel=channel, profile=profile, now=now)
    channels = parts.channels()
    if channel not in channels:
        raise DeliveryError(
            f"the channel {channel!r} is not set up; write a [channels.{channel}] section into zhanggui.toml"
        )
    (receipt,) = channels[channel].send([message])
    return Trial(message=message, receipt=receipt)


def _message(
    parts: RunParts, campaign: Campaign, *, to: str, channel: str, profile: Mapping[str, Any] | None, now: datetime
) -> Message:
    options = choice(parts, campaign)
    action = next(
        (action for action in options.actions if action.kind == "message" and action.channel == channel), None
    )
    if action is None:
        raise CampaignError(f"the campaign {campaign.name!r} has no offer to write of")
    traits = profile or dict.fromkeys(PERSONAL)
    language: Language = traits["language"] or parts.language
    brief = brief_of(parts, campaign, options, action, language=language, stage=traits["lifecycle_stage"] or "")
    model = parts.model() if language in parts.model_languages else None
    written = write([brief], model, languages=parts.model_languages, settings=parts.content)
    nobody = f"test:{secrets.token_hex(16)}"
    url = parts.unsubscribe_url(nobody, channel, language)
    decision = Decision(
        decision_id=nobody,
        run_id=_RUN,
        customer_id=nobody,
        decided_at=now,
        arm="treated",
        action=action,
        intended=action,
        propensity=1.0,
        policy="test",
        policy_version="",
        snapshot_version="",
        candidate_set_id="",
        candidates=(action.action_id,),
        context=(),
        personalised=profile is not None,
    )
    message = compose(
        decision,
        written.copies[brief.brief_id],
        address=to,
        traits=traits,
        product=options.products.get(action.product_id or ""),
        sender=parts.sender,
        unsubscribe_url=url,
        basis=None,
        send_at=now,
        expires_at=now + timedelta(hours=parts.delivery.expire_hours),
        settings=parts.content,
    )
    mark = MARK[language]
    return replace(
        message,
        subject=message.subject and mark + message.subject,
        body=message.body if message.subject else mark + message.body,
        data={**message.data, "unsubscribe_url": url, "test": True},
    )
