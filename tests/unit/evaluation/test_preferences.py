import random

from zhanggui.content.brief import Brief
from zhanggui.content.copies import Examined
from zhanggui.evaluation.preferences import Shown, from_checks, from_clicks

TEA = Brief(language="en", channel="email", tone="warm", about="Tea", product=(("size", "50 g"),), offer_title="Spring")
CUP = Brief(language="en", channel="email", tone="warm", about="Cup")


def examined(brief: Brief, text: str, *reasons: str, used: bool = False) -> Examined:
    return Examined(brief=brief, text=text, reasons=reasons, used=used)


def shown(text: str, sent: int, clicked: int, brief: Brief = TEA) -> Shown:
    return Shown(brief=brief, text=text, sent=sent, clicked=clicked)


def test_what_was_used_goes_before_each_text_that_was_refused() -> None:
    rows = list(
        from_checks(
            [
                examined(TEA, "Good.", used=True),
                examined(TEA, "Also good."),
                examined(TEA, "The best!", "absolute", "claim:quality"),
                examined(TEA, "The best!", "absolute", "claim:quality"),
                examined(TEA, "", "empty"),
                examined(CUP, "Free cups!", "claim:price"),
            ]
        )
    )
    assert rows == [
        {
            "language": "en", "channel": "email", "tone": "warm", "stage": "", "about": "Tea", "facts": {"size": "50 g"},
            "offer": "Spring", "chosen": "Good.", "rejected": "The best!", "source": "checks", "why": "absolute, claim:quality",
        }
    ]  # fmt: skip


def test_a_clearly_higher_click_rate_is_a_preference() -> None:
    (row,) = from_clicks([shown("a", 1000, 30), shown("b", 1000, 80)], minimum=200, false_discoveries=0.05)
    assert (row["chosen"], row["rejected"], row["source"]) == ("b", "a", "clicks")
    assert row["why"] == "80 of 1000 clicked, against 30 of 1000"


def test_too_few_messages_or_another_brief_are_no_preference() -> None:
    few = [shown("a", 199, 0), shown("b", 199, 150)]
    assert from_clicks(few, minimum=200, false_discoveries=0.05) == []
    apart = [shown("a", 1000, 30), shown("b", 1000, 80, brief=CUP)]
    assert from_clicks(apart, minimum=200, false_discoveries=0.05) == []
    assert from_clicks([shown("a", 1000, 50), shown("b", 1000, 52)], minimum=200, false_discoveries=0.05) == []


def test_noise_is_no_preference_over_many_briefs() -> None:
    # 300 briefs with two texts of the very same click rate: at 5% one by one, about fifteen would pass for better.
    rng = random.Random(5)
    seen = [
        shown(text, 400, sum(rng.random() < 0.06 for _ in range(400)), Brief(language="en", channel="email", tone="", about=str(n)))
        for n in range(300)
        for text in ("a", "b")
    ]  # fmt: skip
    assert len(from_clicks(seen, minimum=200, false_discoveries=0.05)) <= 1
    real = [shown("a", 400, 10), shown("b", 400, 60)]
    assert ("b", "a") in [
        (one["chosen"], one["rejected"])
        for one in from_clicks([*seen, *real], minimum=200, false_discoveries=0.05)
        if one["about"] == "Tea"
    ]
