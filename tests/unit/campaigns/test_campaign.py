import pytest

from zhanggui.campaigns.campaign import offers, parse, to_toml
from zhanggui.errors import CampaignError, InputError
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


def test_a_predicate_about_an_unknown_feature_is_refused() -> None:
    with pytest.raises(InputError, match="lifecycle"):
        parse(GOOD.replace("lifecycle_stage in", "life_stage in"))
