"""What a journey's file may say, and what a step of it becomes."""

import re
import textwrap
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zhanggui.campaigns import journey as journeys
from zhanggui.errors import CampaignError

ROOT = Path(__file__).parents[3]
FILE = ROOT / "examples" / "abandoned-cart.toml"
CART = journeys.parse(FILE.read_text(encoding="utf-8"), source="abandoned-cart.toml")


@pytest.mark.parametrize("page", ["abandoned-cart.md", "abandoned-cart.zh-CN.md"])
def test_the_howto_shows_the_file_that_ships(page: str) -> None:
    (block,) = re.findall(
        r"^ *```toml\n(.*?)^ *```", (ROOT / "docs/howto" / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert journeys.parse(textwrap.dedent(block)) == CART


def test_a_journey_is_the_same_in_the_file_and_in_data() -> None:
    assert journeys.parse(journeys.to_toml(CART)) == CART
    assert journeys.check(journeys.to_data(CART)) == CART


def test_steps_follow_by_name_and_one_that_is_gone_has_none_after_it() -> None:
    reminder, last_call = CART.steps
    assert CART.begin() == reminder
    assert (reminder.after, last_call.after) == (timedelta(hours=4), timedelta(hours=48))
    assert CART.since("reminder") == (reminder, last_call)
    assert CART.since("last-call") == (last_call,)
    assert CART.since("gone") == ()


def test_a_step_is_a_campaign_of_one_offer_about_the_product_that_began_it() -> None:
    campaign = journeys.campaign_of(CART, CART.steps[1], "pot-1")
    (offer,) = campaign.offers
    assert (campaign.name, campaign.channels, campaign.policy, campaign.allow_nothing) == ("abandoned-cart", ("email",), "uniform", False)  # fmt: skip
    assert (offer.id, offer.percent, offer.amount, offer.coupon, offer.products) == ("last-call", 5, None, "CART5", ("pot-1",))  # fmt: skip
    assert journeys.campaign_of(CART, CART.steps[0], None).offers[0].products == ()


def _step(**values: Any) -> list[dict[str, Any]]:
    return [{"name": "reminder", "after_hours": 4, "title": {"en": "Cart"}, **values}]


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"name": "Cart!"}, "name", "is no name"),
        ({"channels": []}, "channels", "there is none"),
        ({"begins": ""}, "begins", "there is none"),
        ({"ends": []}, "ends", "there is none"),
        ({"ends": ["Order Completed", ""]}, "ends", "there is none"),
        ({"steps": []}, "steps", "there is none"),
        ({"steps": _step(name="Step 1")}, "steps.0.name", "is no name"),
        ({"steps": _step() + _step(after_hours=5)}, "steps.0.name", "is there twice"),
        ({"steps": _step(after_hours=0)}, "steps.0.after_hours", "is not later than the step before"),
        ({"steps": _step() + _step(name="second")}, "steps.1.after_hours", "is not later than the step before"),
        ({"steps": _step(after_hours=8_761)}, "steps.0.after_hours", "past a year"),
        ({"steps": _step(percent=100)}, "steps.0.percent", "is not between 1 and 99"),
        ({"steps": _step(percent=5, amount=3)}, "steps.0", "exclude each other"),
        ({"steps": _step(title={})}, "steps.0.title", "there is none"),
        ({"steps": _step(colour="red")}, "steps.0.colour", "there is no such setting"),
        ({"holdout": 1}, "holdout", "is no share"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(change: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(CampaignError) as refused:
        journeys.check(tomllib.loads(FILE.read_text(encoding="utf-8")) | change, source="cart.toml")
    assert refused.value.field == field
    assert problem in refused.value.problem
    assert str(refused.value).startswith(f"cart.toml: {field}: ")


def test_a_year_is_as_long_as_a_step_may_wait() -> None:
    assert journeys.check(journeys.to_data(CART) | {"steps": _step(after_hours=8_760)}).steps[0].after.days == 365


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(CampaignError, match=r"cart\.toml: this is not TOML"):
        journeys.parse("name = ", source="cart.toml")
