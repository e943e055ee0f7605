"""What a campaign would do and say for some customers, without logging or sending anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zhanggui.campaigns import messages as campaign_messages
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.plan import choice, plan
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.catalog.product import Language
from zhanggui.content.message import Message
from zhanggui.content.write import write
from zhanggui.decisioning.decision import Decision
from zhanggui.decisioning.explain import explain, summary
from zhanggui.errors import NotFoundError
from zhanggui.profiles.glimpse import Glimpse

_RUN = "preview"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The messages that some customers would get."""

    as_of: datetime
    """Of what is known of the customers."""
    messages: tuple[Message, ...]
    """At most one for each; none for who would get none."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """A decision about one customer, in data and in words."""

    customer_id: str
    as_of: datetime
    """Of what is known of the customer."""
    decision: Decision
    summary: str
    """One sentence."""
    explanation: str
    """The whole story: the candidates, and what forbade each."""


def explained(
    parts: RunParts,
    campaign: Campaign,
    profiles: Glimpse,
    customer_ids: Sequence[str],
    *,
    at: datetime,
    language: Language,
) -> Iterator[Explained]:
    """Each customer's decision, explained. Raises NotFoundError for an unknown customer."""
    options = choice(parts, campaign)
    for decisions, _ in plan(
        parts, campaign, profiles, options, run_id=_RUN, now=at, customer_ids=_known(profiles, customer_ids)
    ):
        for decision in decisions:
            yield Explained(
                customer_id=decision.customer_id,
                as_of=profiles.as_of,
                decision=decision,
                summary=summary(decision, options.offers, language),
                explanation=explain(decision, decisions.actions, options.offers, language),
            )


def previewed(
    parts: RunParts, campaign: Campaign, profiles: Glimpse, customer_ids: Sequence[str], *, at: datetime
) -> Preview:
    """The messages that these customers would get. Raises NotFoundError for an unknown customer."""
    options = choice(parts, campaign)
    todo = []
    for decisions, table in plan(
        parts, campaign, profiles, options, run_id=_RUN, now=at, customer_ids=_known(profiles, customer_ids)
    ):
        rows = {row["customer_id"]: row for row in table.select(list(campaign_messages.PERSONAL)).to_pylist()}
        todo += list(campaign_messages.briefs_of(parts, campaign, options, decisions, rows))
    needed = {brief.language for _, _, brief in todo}
    model = parts.model() if needed & set(parts.model_languages) else None
    written = write([brief for _, _, brief in todo], model, languages=parts.model_languages, settings=parts.content)
    run = Run(run_id=_RUN, campaign=campaign.name, version=0, moment=at, started_at=at)
    messages = campaign_messages.messages_of(parts, run, options, iter(todo), written.copies)
    return Preview(as_of=profiles.as_of, messages=tuple(messages))


def known(profiles: Glimpse, customer_id: str) -> dict[str, Any]:
    """What writing uses of one customer's profile. Raises NotFoundError for an unknown customer."""
    (customer,) = profiles.table(list(campaign_messages.PERSONAL), _known(profiles, [customer_id])).to_pylist()
    return dict(customer)


def _known(profiles: Glimpse, customer_ids: Sequence[str]) -> Sequence[str]:
    known = set(profiles.table(["customer_id"])["customer_id"].to_pylist())
    for customer_id in customer_ids:
        if customer_id not in known:
            raise NotFoundError(f"no customer {customer_id!r} as of {profiles.as_of:%Y-%m-%d %H:%M} UTC")
    return customer_ids
