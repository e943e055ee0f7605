"""Decides for a campaign's audience: snapshot, facts of reach, candidates, policy. Writes and sends nothing."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.campaign import offers as offers_of
from zhanggui.campaigns.learn import load_policy
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.catalog import store as catalog
from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import Action, Offer
from zhanggui.decisioning.candidates import candidates
from zhanggui.decisioning.decide import Decisions, Versions, decide, within_budget
from zhanggui.decisioning.eligibility import gather
from zhanggui.profiles.glimpse import Glimpse
from zhanggui.profiles.segments import Predicate
from zhanggui.profiles.snapshot import Snapshot

_BATCH = 50_000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a campaign may do: its offers, the products behind them, the actions."""

    offers: dict[str, Offer]
    products: dict[str, Product]
    actions: list[Action]


def choice(parts: RunParts, campaign: Campaign) -> Choice:
    """The campaign's offers as actions, with the products of the catalogue that they are about."""
    offers = offers_of(campaign, parts.currency)
    with parts.database.reading() as connection:
        named = catalog.find(connection, [one for offer in offers.values() for one in offer.product_ids])
        about = catalog.in_categories(connection, {one for offer in offers.values() for one in offer.categories})
    return Choice(
        offers=offers,
        products=about | named,
        actions=candidates(offers.values(), campaign.channels, allow_nothing=campaign.allow_nothing),
    )


def plan(
    parts: RunParts,
    campaign: Campaign,
    snapshot: Snapshot | Glimpse,
    options: Choice,
    *,
    run_id: str,
    now: datetime,
    customer_ids: Sequence[str] | None = None,
    draw: str = "draw",
) -> Iterator[tuple[Decisions, pa.Table]]:
    """Decisions among `options` in batches, each with its rows of the snapshot. `customer_ids` narrows the audience; `draw`
    as in `decide`.
    """
    policy, version = load_policy(parts, campaign)
    profiles = snapshot.table(customer_ids=customer_ids)
    if campaign.audience and customer_ids is None:
        profiles = profiles.filter(pa.array(Predicate.parse(campaign.audience).mask(profiles)))
    versions = Versions(
        run_id=run_id, policy=campaign.policy, policy_version=version, snapshot_version=snapshot.version
    )
    left = campaign.max_messages
    taken: Mapping[str, Set[str]] = {}
    for start in range(0, profiles.num_rows, _BATCH):
        rows = profiles.slice(start, _BATCH)
        with parts.database.reading() as connection:
            reach, personalised = gather(
                connection,
                rows["customer_id"].to_pylist(),
                campaign.channels,
                limits=parts.limits,
                now=now,
                # Who agreed since a run's moment, such as midnight, may be written to.
                consented_at=max(now, parts.clock()),
                taken=taken,
            )
        taken = {channel: of_channel.taken for channel, of_channel in reach.items()}
        found = decide(
            rows,
            options.actions,
            versions=versions,
            policy=policy,
            offers=options.offers,
            products=options.products,
            reach=reach,
            personalised=personalised,
            holdout=campaign.holdout,
            salt=campaign.name,
            now=now,
            draw=draw,
        )
        if left is not None:
            found = within_budget(found, most=left)
            left -= sum(1 for one in found if one.action.kind == "message")
        yield found, rows
