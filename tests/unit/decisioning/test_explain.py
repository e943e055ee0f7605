"""A decision in words: the whole story in both languages, and each reason that there is."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.decision import Decision
from zhanggui.decisioning.explain import explain, reason, summary, title

OFFERS = {
    "ten": Offer(offer_id="ten", titles={"en": "Ten off", "zh": "九折"}, percent=10),
    "zh": Offer(offer_id="zh", titles={"zh": "满减"}),
    "tea": Offer(offer_id="tea", titles={"en": "All Tea"}),
}
EMAIL = Action(offer_id="ten", category="Tea", channel="email")
SMS = Action(offer_id="ten", product_id="p1", channel="sms")


def _decision(**more: Any) -> Decision:
    fields: dict[str, Any] = {
        "decision_id": "d",
        "run_id": "run-1",
        "customer_id": "ann",
        "decided_at": datetime(2026, 3, 2, tzinfo=UTC),
        "arm": "treated",
        "action": EMAIL,
        "intended": EMAIL,
        "propensity": 0.3333,
        "policy": "thompson",
        "policy_version": "v7",
        "snapshot_version": "s9",
        "candidate_set_id": "set",
        "candidates": (),
        "context": (),
    }
    return Decision(**(fields | more))


def test_a_cap_of_a_channel_with_a_hyphen_is_said_in_words() -> None:
    assert reason("cap:push-app:2/7d", "zh") == "她在最近 7 天内已收到 2 条消息（push-app 渠道上限）"
    assert reason("cap:push-app:2/7d", "en") == "she has had 2 messages in 7 days on push-app, which is the limit"


def test_a_cap_of_all_channels_is_said_in_words() -> None:
    assert reason("cap:all:4/0.5d", "zh") == "她在最近 0.5 天内已收到 4 条消息（所有渠道合计上限）"
    assert reason("cap:all:4/0.5d", "en") == (
        "she has had 4 messages in 0.5 days on all channels together, which is the limit"
    )


def test_a_code_that_nobody_explains_is_shown_as_it_is() -> None:
    assert reason("some-new-rule", "en") == "some-new-rule"
    assert reason("cap:email:x/7d", "zh") == "cap:email:x/7d"


@pytest.mark.parametrize(
    "code",
    [
        "no_address",
        "no_consent",
        "suppressed",
        "not_in_catalogue",
        "out_of_stock",
        "offer_not_valid",
        "offer_not_for_her",
        "personalisation_refused",
        "price_changed",
        "address_changed",
        "cancelled",
        "flow_ended",
        "same_address",
        "same_person",
        "expired",
        "budget",
    ],
)
def test_every_rule_that_forbids_is_explained_in_both_languages(code: str) -> None:
    english, chinese = reason(code, "en"), reason(code, "zh")
    assert len({code, english, chinese}) == 3
    assert english.isascii()
    assert re.search("[\u4e00-\u9fff]", chinese)


@pytest.mark.parametrize(
    ("action", "english", "chinese"),
    [
        (NO_ACTION, "say nothing", "什么也不发"),
        (EMAIL, "Ten off (Tea), email", "九折 (Tea)，email"),
        (SMS, "Ten off (p1), sms", "九折 (p1)，sms"),
        (Action(offer_id="ten", channel="email"), "Ten off, email", "九折，email"),
        (Action(offer_id="tea", category="Tea", channel="email"), "All Tea, email", "All Tea，email"),
        (Action(offer_id="zh", channel="sms"), "满减, sms", "满减，sms"),
        (Action(offer_id="gone", channel="sms"), "gone, sms", "gone，sms"),
        (Action(product_id="p1", channel="sms"), "? (p1), sms", "? (p1)，sms"),
    ],
)
def test_an_action_is_named_by_its_offer_and_what_it_is_about(action: Action, english: str, chinese: str) -> None:
    assert (title(action, OFFERS, "en"), title(action, OFFERS, "zh")) == (english, chinese)


def test_one_sentence_says_what_was_chosen_how_likely_and_for_which_group() -> None:
    assert summary(_decision(), OFFERS, "en") == (
        "ann: “Ten off (Tea), email”, chosen with probability 33.3%. "
        "She is in the treated group: what was chosen is done."
    )
    assert summary(_decision(arm="holdout"), OFFERS, "zh") == (
        "ann：选中“九折 (Tea)，email”，概率 33.3%。 她在对照组：选中的消息不发出，用来衡量消息带来的变化。"
    )


def test_the_whole_story_names_every_candidate_and_what_forbade_it() -> None:
    decision = _decision(reasons={SMS.action_id: ("no_address", "cap:sms:1/7d")})
    assert explain(decision, [NO_ACTION, EMAIL, SMS], OFFERS, "en").split("\n") == [
        summary(decision, OFFERS, "en"),
        "",
        "Candidates:",
        "  · say nothing",
        "  → Ten off (Tea), email",
        "  ✗ Ten off (p1), sms",
        "      not possible: " + reason("no_address", "en"),
        "      not possible: " + reason("cap:sms:1/7d", "en"),
        "",
        "Policy thompson, version v7; profile snapshot s9",
    ]


def test_the_whole_story_is_told_in_chinese_too_and_says_that_no_profile_was_used() -> None:
    decision = _decision(personalised=False, reasons={EMAIL.action_id: ("budget",)}, arm="suppressed")
    assert explain(decision, [NO_ACTION, EMAIL], OFFERS, "zh").split("\n") == [
        summary(decision, OFFERS, "zh"),
        "",
        "她拒绝了个性化：没有使用她的画像。",
        "",
        "候选：",
        "  · 什么也不发",
        "  ✗ 九折 (Tea)，email",
        "      不可以：" + reason("budget", "zh"),
        "",
        "策略 thompson，版本 v7；画像快照 s9",
    ]
    english = explain(decision, [EMAIL], OFFERS, "en").split("\n")
    assert english[2:4] == ["She refused personalisation: nothing of her profile was used.", ""]
