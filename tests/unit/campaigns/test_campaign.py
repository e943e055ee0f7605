import pytest

from zhanggui.campaigns.campaign import offers, parse, to_toml
from zhanggui.errors import CampaignError
from zhanggui.money import Money

GOOD = """
name = "welcome-back"
title = { en = "Welcome back", zh = "欢迎回来" }
channels = ["email"]
audience = 'lifecycle_stage in ("at_risk", "lapsed")'
start = 2026-03-01T08:00:00Z

[[offers]]
id = "ten-off"
title = { en = "10% off tea", zh = "茶叶九折" }
percent = 10
categories = ["Tea"]

[[offers]]
id = "five-yuan"
title = { en = "¥5 off", zh = "立减五元" }
amount = 5
"""


def test_a_campaign_file_comes_back_whole() -> None:
    campaign = parse(GOOD)
    assert parse(to_toml(campaign)) == campaign


def test_amounts_become_minor_units_of_the_shops_currency() -> None:
    found = offers(parse(GOOD), "CNY")
    assert found["five-yuan"].amount == Money(currency="CNY", minor=500)
    assert found["ten-off"].percent == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("percent = 10", "percent = 100"), "offers.0.percent"),
        (("percent = 10", "percent = 10\namount = 3"), "offers.0"),
        (("amount = 5", "amount = -5"), "offers.1.amount"),
        (('id = "five-yuan"', 'id = "ten-off"'), "offers.0.id"),
        (('name = "welcome-back"', 'name = "Welcome Back"'), "name"),
        (('channels = ["email"]', "channels = []"), "channels"),
        (('channels = ["email"]', 'channels = ["email"]\nholdout = 1.5'), "holdout"),
        (('channels = ["email"]', 'channels = ["email"]\nchanels = ["sms"]'), "chanels"),
    ],
)
def test_a_wrong_campaign_names_the_field(change: tuple[str, str], field: str) -> None:
    with pytest.raises(CampaignError) as caught:
        parse(GOOD.replace(*change), source="welcome-back.toml")
    assert caught.value.field == field
    assert "welcome-back.toml" in str(caught.value)


@pytest.mark.parametrize("source", ["campaigns/welcome.toml", ""])
def test_a_wrong_predicate_is_refused_with_the_place_that_it_stands_at(source: str) -> None:
    with pytest.raises(CampaignError, match=r"audience: life_stage: .*lifecycle_stage") as caught:
        parse(GOOD.replace("lifecycle_stage in", "life_stage in"), source=source)
    assert caught.value.source == (source or "welcome-back")
    with pytest.raises(CampaignError, match="orders is a number") as caught:
        parse(GOOD.replace("amount = 5", "amount = 5\nwho = 'orders == \"3\"'"), source=source)
    assert caught.value.field == "offers.1.who"
