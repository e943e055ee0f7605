"""From decisions to finished messages: which brief each asks for, and the message that its copy becomes. Sends nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.plan import Choice
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.catalog.product import Language
from zhanggui.content.brief import Brief, brief_for
from zhanggui.content.compose import compose, message_id
from zhanggui.content.message import Message
from zhanggui.content.write import Copy, from_template
from zhanggui.decisioning.action import Action
from zhanggui.decisioning.candidates import showcase
from zhanggui.decisioning.decide import Decisions
from zhanggui.decisioning.decision import Decision
from zhanggui.profiles import consent, identity
from zhanggui.touches.contact_limits import next_allowed, zone

Row = Mapping[str, Any]
PERSONAL = ("customer_id", "language", "time_zone", "first_name", "city", "points", "lifecycle_stage")
"""The snapshot's columns that writing uses."""


def briefs_of(
    parts: RunParts, campaign: Campaign, options: Choice, decisions: Decisions, profiles: Mapping[str, Row]
) -> Iterator[tuple[Decision, Row, Brief]]:
    """The brief of each decision that is a message."""
    made: dict[tuple[Any, ...], Brief] = {}
    for decision in decisions:
        if decision.action.kind != "message":
            continue
        row, action = profiles[decision.customer_id], decision.action
        language: Language = row["language"] or parts.language
        stage = row["lifecycle_stage"] if decision.personalised else ""
        key = (action.action_id, language, stage)
        if key not in made:
            made[key] = brief_of(parts, campaign, options, action, language=language, stage=stage)
        yield decision, row, made[key]


def brief_of(
    parts: RunParts, campaign: Campaign, options: Choice, action: Action, *, language: Language, stage: str
) -> Brief:
    """The brief of one action of a campaign, for customers of one language and stage."""
    product = options.products.get(action.product_id or "") or (
        showcase(options.products, action.category) if action.category else None
    )
    return brief_for(
        action,
        language=language,
        tone=campaign.tone,
        offer=options.offers.get(action.offer_id or ""),
        product=product,
        stage=stage,
        limit=parts.content.pitch_characters,
    )


def messages_of(
    parts: RunParts,
    run: Run,
    options: Choice,
    briefs: Iterator[tuple[Decision, Row, Brief]],
    copies: Mapping[str, Copy],
    *,
    unwritten: Callable[[Message, Exception], None] | None = None,
) -> Iterator[Message]:
    """The finished message of each decision. A decision made after the copies were written gets a template's words.

    One that cannot be written, such as for a trait that breaks the template, is told to `unwritten` and comes without words;
    without `unwritten` its error is raised.
    """
    todo = list(briefs)
    ids = [decision.customer_id for decision, _, _ in todo]
    channels = sorted({decision.action.channel or "" for decision, _, _ in todo})
    with parts.database.reading() as connection:
        addresses = {name: identity.addresses(connection, ids, name) for name in channels}
        at = max(run.moment, parts.clock())
        basis = {name: consent.bases(connection, ids, name, at=at) for name in channels}
    for decision, row, brief in todo:
        channel = decision.action.channel or ""
        address = addresses[channel].get(decision.customer_id)
        if address is None:
            continue
        copy = copies.get(brief.brief_id) or from_template(brief, why="decided_later")
        try:
            yield _message(parts, run, options, decision, row, copy, address, basis[channel].get(decision.customer_id))
        except Exception as error:
            if unwritten is None:
                raise
            blank = _blank(decision, brief, address)
            unwritten(blank, error)
            yield blank


def _message(
    parts: RunParts,
    run: Run,
    options: Choice,
    decision: Decision,
    row: Row,
    copy: Copy,
    address: str,
    basis: consent.Consent | None,
) -> Message:
    channel = decision.action.channel or ""
    send_at = next_allowed(
        run.moment, channel=channel, zone=zone(row["time_zone"], parts.time_zone), limits=parts.limits
    )
    url = parts.unsubscribe_url(decision.customer_id, channel, copy.brief.language)
    message = compose(
        decision,
        copy,
        address=address,
        traits=row,
        product=options.products.get(decision.action.product_id or ""),
        sender=parts.sender,
        unsubscribe_url=url,
        basis=basis,
        send_at=send_at,
        expires_at=send_at + timedelta(hours=parts.delivery.expire_hours),
        settings=parts.content,
    )
    return replace(message, data={**message.data, "unsubscribe_url": url, "time_zone": row["time_zone"]})


def _blank(decision: Decision, brief: Brief, address: str) -> Message:
    channel = decision.action.channel or ""
    return Message(
        message_id=message_id(decision.run_id, decision.customer_id, channel),
        run_id=decision.run_id,
        customer_id=decision.customer_id,
        channel=channel,
        address=address,
        language=brief.language,
        subject="",
        body="",
        decision_id=decision.decision_id,
    )
