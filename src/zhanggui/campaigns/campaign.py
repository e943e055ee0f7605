"""A campaign as an operator writes it: audience, offers, channels, goal, moment. Runs nothing and stores nothing."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from zhanggui.catalog.product import Language
from zhanggui.decisioning.action import Offer
from zhanggui.errors import CampaignError, PredicateError
from zhanggui.money import Money, to_minor
from zhanggui.profiles.segments import Predicate

_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"


@dataclass(frozen=True, kw_only=True)
class OfferText:
    """One offer as written in a campaign file; amounts in major units of the shop's currency."""

    id: str
    """Stable name of the offer; learning is kept by it."""
    title: Mapping[Language, str]
    """What it is called, by language."""
    percent: int | None = None
    """Discount in percent, 1 to 99."""
    amount: float | None = None
    """Discount as an amount of money; excludes `percent`."""
    coupon: str = ""
    """The code that a customer types in."""
    categories: tuple[str, ...] = ()
    """Categories that it holds for; none and no products: everything."""
    products: tuple[str, ...] = ()
    """Product ids that it holds for."""
    who: str = ""
    """Who may get it: a predicate over profile columns; "" for the whole audience."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@validated(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Campaign:
    """Everything that a run needs to know beside the shop's own settings."""

    name: str
    """Lower-case letters, digits and hyphens."""
    title: Mapping[Language, str]
    channels: tuple[str, ...]
    """Names of configured channels."""
    offers: tuple[OfferText, ...]
    audience: str = ""
    """Who may be contacted: a predicate over profile columns; "" for everyone with a profile."""
    start: datetime | None = None
    """The moment that the run is for (UTC unless it says otherwise); none: when it is run."""
    policy: str = "thompson"
    """Which policy chooses among the offers: a name of the entry point group `zhanggui.policies`."""
    holdout: float = 0.1
    """Share of the audience that is kept silent, to measure against."""
    allow_nothing: bool = True
    """Whether saying nothing is among the policy's choices."""
    tone: Literal["warm", "plain", "playful", "elegant"] = "warm"
    window_days: int = 14
    """Attribution window after the decision."""
    reward: Literal["conversion", "clicked", "revenue"] = "conversion"
    """What the policy learns from."""
    max_messages: int | None = None
    """Budget of a run, in messages."""
    seed: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Campaign)


def parse(text: str, *, source: str = "") -> Campaign:
    """Read a campaign from TOML. Raises CampaignError naming the field and what to do."""
    try:
        return check(tomllib.loads(text), source=source)
    except tomllib.TOMLDecodeError as error:
        raise CampaignError(f"this is not TOML: {error}", source=source) from error


def check(values: Mapping[str, Any], *, source: str = "") -> Campaign:
    """Validate a campaign given as plain data. Raises CampaignError."""
    import re

    try:
        campaign = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise invalid(error, source=source, document="docs/reference/campaign.md") from error

    def refuse(field: str, problem: str, hint: str = "") -> CampaignError:
        return CampaignError(problem, field=field, hint=hint, source=source)

    def check_predicate(field: str, text: str) -> None:
        try:
            Predicate.parse(text)
        except PredicateError as error:
            problem = f"{error.field}: {error.problem}" if error.field else error.problem
            where = source or campaign.name
            raise CampaignError(problem, field=field, hint=error.hint, source=where) from error

    if not re.fullmatch(_NAME, campaign.name):
        raise refuse("name", f"{campaign.name!r} is no campaign name", "use lower-case letters, digits and hyphens")
    if not campaign.channels:
        raise refuse("channels", "there is none", 'name at least one, such as ["email"]')
    if not campaign.offers:
        raise refuse("offers", "there is none", "write at least one [[offers]]; it needs no discount")
    if not 0 <= campaign.holdout < 1:
        raise refuse("holdout", f"{campaign.holdout} is no share", "0.1 keeps every tenth customer silent")
    if campaign.audience:
        check_predicate("audience", campaign.audience)
    ids = [offer.id for offer in campaign.offers]
    for index, offer in enumerate(campaign.offers):
        place = f"offers.{index}"
        if ids.count(offer.id) > 1:
            raise refuse(f"{place}.id", f"{offer.id!r} is there twice")
        if offer.percent is not None and offer.amount is not None:
            raise refuse(place, "percent and amount exclude each other")
        if offer.percent is not None and not 1 <= offer.percent <= 99:
            raise refuse(f"{place}.percent", f"{offer.percent} is not between 1 and 99")
        if offer.amount is not None and offer.amount <= 0:
            raise refuse(f"{place}.amount", f"{offer.amount} is no discount")
        if not offer.title:
            raise refuse(f"{place}.title", "there is none", 'write title = { en = "…", zh = "…" }')
        if offer.who:
            check_predicate(f"{place}.who", offer.who)
    return campaign


def invalid(error: ValidationError, *, source: str, document: str) -> CampaignError:
    """What pydantic found first; `document` lists the settings that there are."""
    first = error.errors(include_url=False)[0]
    unknown = first["type"] == "unexpected_keyword_argument"
    return CampaignError(
        "there is no such setting" if unknown else first["msg"],
        field=".".join(map(str, first["loc"])),
        source=source,
        hint=f"see {document}" if unknown else "",
    )


def to_toml(campaign: Campaign) -> str:
    """The campaign as a file that `parse` reads back to the same campaign."""
    values = _ADAPTER.dump_python(campaign, exclude_none=True, exclude_defaults=True)
    return tomli_w.dumps(values)


def to_data(campaign: Campaign) -> dict[str, Any]:
    """The campaign as JSON-able data."""
    data: dict[str, Any] = _ADAPTER.dump_python(campaign, mode="json")
    return data


def offers(campaign: Campaign, currency: str) -> dict[str, Offer]:
    """The campaign's offers as decisioning's noun, by id; amounts in minor units of `currency`."""
    return {
        offer.id: Offer(
            offer_id=offer.id,
            titles=offer.title,
            percent=offer.percent,
            amount=None if offer.amount is None else Money(currency=currency, minor=to_minor(offer.amount, currency)),
            coupon=offer.coupon,
            categories=offer.categories,
            product_ids=offer.products,
            eligibility=offer.who,
            valid_from=_utc(offer.valid_from),
            valid_until=_utc(offer.valid_until),
        )
        for offer in campaign.offers
    }


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
