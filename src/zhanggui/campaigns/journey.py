"""A journey as an operator writes it: what begins it, what ends it, its steps. Runs nothing and stores nothing.

Each step is made as a campaign of one offer would be, about the product that began the journey.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from zhanggui.campaigns.campaign import Campaign, invalid
from zhanggui.campaigns.campaign import check as check_campaign
from zhanggui.catalog.product import Language
from zhanggui.errors import CampaignError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DOCUMENT = "docs/howto/abandoned-cart.md"


@validated(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Step:
    """One message of a journey, to who has not left it by then."""

    name: str
    """Stable: who has had the step of this name does not get it again."""
    after_hours: float
    """After the event that began the journey."""
    title: Mapping[Language, str]
    """What it offers, by language."""
    percent: int | None = None
    """Discount in percent, 1 to 99."""
    amount: float | None = None
    """Discount as an amount of money; excludes `percent`."""
    coupon: str = ""
    """The code that a customer types in."""

    @property
    def after(self) -> timedelta:
        """As a length of time."""
        return timedelta(hours=self.after_hours)


@validated(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Journey:
    """Everything that a journey needs to know beside the shop's own settings."""

    name: str
    """Lower-case letters, digits and hyphens."""
    title: Mapping[Language, str]
    channels: tuple[str, ...]
    """Names of configured channels."""
    begins: str
    """The event by which a customer enters; while one is on the way it begins no second time."""
    ends: tuple[str, ...]
    """Events that end it at once."""
    steps: tuple[Step, ...]
    ends_for_product: tuple[str, ...] = ()
    """Events that end it at once when they are about the product that began it."""
    holdout: float = 0.0
    """Share of the customers that is kept silent, to measure against."""
    tone: Literal["warm", "plain", "playful", "elegant"] = "warm"

    def begin(self) -> Step:
        """The first step."""
        return self.steps[0]

    def since(self, name: str) -> Sequence[Step]:
        """The step of this name and those after it; none where the journey has it no longer."""
        names = [step.name for step in self.steps]
        return self.steps[names.index(name) :] if name in names else ()


_ADAPTER = TypeAdapter(Journey)


def parse(text: str, *, source: str = "") -> Journey:
    """Read a journey from TOML. Raises CampaignError naming the field and what to do."""
    try:
        return check(tomllib.loads(text), source=source)
    except tomllib.TOMLDecodeError as error:
        raise CampaignError(f"this is not TOML: {error}", source=source) from error


def check(values: Mapping[str, Any], *, source: str = "") -> Journey:
    """Validate a journey given as plain data. Raises CampaignError."""
    try:
        journey = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise invalid(error, source=source, document=_DOCUMENT) from error

    def refuse(field: str, problem: str, hint: str = "") -> CampaignError:
        return CampaignError(problem, field=field, hint=hint, source=source)

    if not _NAME.fullmatch(journey.name):
        raise refuse("name", f"{journey.name!r} is no name", "use lower-case letters, digits and hyphens")
    for field, words in (("begins", [journey.begins]), ("ends", journey.ends)):
        if not words or not all(words):
            raise refuse(field, "there is none", 'name an event, such as "Order Completed"')
    if not journey.steps:
        raise refuse("steps", "there is none", "write at least one [[steps]]")
    earlier = 0.0
    for index, step in enumerate(journey.steps):
        place = f"steps.{index}"
        if not _NAME.fullmatch(step.name):
            raise refuse(f"{place}.name", f"{step.name!r} is no name", "use lower-case letters, digits and hyphens")
        if [other.name for other in journey.steps].count(step.name) > 1:
            raise refuse(f"{place}.name", f"{step.name!r} is there twice")
        if not earlier < step.after_hours <= 8_760:
            raise refuse(
                f"{place}.after_hours", f"{step.after_hours} is not later than the step before, or past a year"
            )
        earlier = step.after_hours
        try:
            check_campaign(_campaign_data(journey, step), source=source)
        except CampaignError as error:
            field = error.field.replace("offers.0", place)
            raise CampaignError(error.problem, field=field, hint=error.hint, source=source) from error
    return journey


def campaign_of(journey: Journey, step: Step, product_id: str | None) -> Campaign:
    """A step as a campaign of one offer, about a product or, without one, about the shop."""
    campaign = check_campaign(_campaign_data(journey, step))
    products = (product_id,) if product_id else ()
    return replace(campaign, offers=(replace(campaign.offers[0], products=products),))


def to_toml(journey: Journey) -> str:
    """The journey as a file that `parse` reads back to the same journey."""
    return tomli_w.dumps(_ADAPTER.dump_python(journey, exclude_none=True, exclude_defaults=True))


def to_data(journey: Journey) -> dict[str, Any]:
    """The journey as JSON-able data."""
    data: dict[str, Any] = _ADAPTER.dump_python(journey, mode="json")
    return data


def _campaign_data(journey: Journey, step: Step) -> dict[str, Any]:
    offer = {"id": step.name, "title": dict(step.title), "coupon": step.coupon}
    offer |= {name: value for name in ("percent", "amount") if (value := getattr(step, name)) is not None}
    return {
        "name": journey.name,
        "title": dict(journey.title),
        "channels": list(journey.channels),
        "offers": [offer],
        "policy": "uniform",
        "holdout": journey.holdout,
        "allow_nothing": False,
        "tone": journey.tone,
    }
