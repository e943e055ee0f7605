from dataclasses import replace

from zhanggui.content.brief import Brief
from zhanggui.content.prompt import request_for

BRIEF = Brief(
    language="en", channel="email", tone="warm", stage="lapsed", about="cheese", product=(("milk", "goat"),), offer_title="15% off", discount="15% off"
)  # fmt: skip


def asked(style: str, brief: Brief = BRIEF) -> str:
    return request_for(brief, candidates=1, style=style).messages[-1].content  # type: ignore[arg-type]


def test_a_model_trained_on_briefs_is_told_the_whole_brief() -> None:
    assert asked("brief").splitlines() == [
        "channel: email", "tone: warm", "reader: lapsed", "offer: yes", "about: cheese", "milk: goat"
    ]  # fmt: skip


def test_a_very_small_model_is_told_neither_tone_nor_channel_nor_offer() -> None:
    assert asked("product").splitlines() == ["reader: lapsed", "about: cheese", "milk: goat"]
    assert asked("product", replace(BRIEF, channel="sms", tone="plain", offer_title="")) == asked("product")


def test_no_prompt_holds_a_code_or_a_date() -> None:
    brief = replace(BRIEF, coupon="CHEESE15", valid_until="May 1, 2027")
    for style in ("examples", "brief", "product"):
        text = str(request_for(brief, candidates=1, style=style))  # type: ignore[arg-type]
        assert "CHEESE15" not in text
        assert "2027" not in text
