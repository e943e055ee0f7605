"""A decision in words that an operator understands, in English and Chinese. Decides nothing."""

import re
from collections.abc import Mapping, Sequence

from zhanggui.catalog.product import Language
from zhanggui.decisioning.action import Action, Offer
from zhanggui.decisioning.decision import Decision

_REASONS: Mapping[str, tuple[str, str]] = {
    "no_address": ("we have no address of hers for this channel", "没有她在这个渠道的联系方式"),
    "no_consent": ("she has not agreed to marketing on this channel", "她没有同意在这个渠道接收营销消息"),
    "suppressed": ("her address bounced or she complained", "她的地址曾退信，或她投诉过"),
    "not_in_catalogue": ("the product is not in the catalogue", "商品不在目录中"),
    "out_of_stock": ("the product is out of stock", "商品缺货"),
    "offer_not_valid": ("the offer is not valid at this time", "优惠不在有效期内"),
    "offer_not_for_her": ("the offer is for other customers", "这个优惠面向其他顾客"),
    "personalisation_refused": (
        "she refused personalisation, and this offer is chosen by profile",
        "她拒绝了个性化，而这个优惠要按画像挑选",
    ),
    "price_changed": ("the price that the message shows has changed since", "消息里写的价格已经变了"),
    "cancelled": ("the run was cancelled before it could leave", "发出之前运行已被取消"),
    "flow_ended": (
        "the customer has ordered, or emptied the cart, since it was planned",
        "计划之后顾客已下单或清空了购物车",
    ),
    "address_changed": (
        "the customer took the address back, or is reached at another one by now",
        "顾客收回了这个地址，或已改用别的地址",
    ),
    "expired": ("it could not leave within the time set for it", "在规定的时间内未能发出"),
    "same_address": (
        "somebody else is written to at the same address",
        "同一地址的另一位顾客会收到这条消息",
    ),
    "same_person": ("the same person was written to under another id", "同一个人已用另一个编号收到这条消息"),
    "budget": ("the run's budget was used up", "本次活动的发送预算已用完"),
}
_ARMS: Mapping[str, tuple[str, str]] = {
    "treated": ("She is in the treated group: what was chosen is done.", "她在触达组：选中什么就做什么。"),
    "holdout": (
        "She is in the holdout: what was chosen is kept back, to measure what messages change.",
        "她在对照组：选中的消息不发出，用来衡量消息带来的变化。",
    ),
    "suppressed": ("No message to her is allowed, so nothing is sent.", "目前不允许给她发任何消息，所以不发送。"),
}


def reason(code: str, language: Language) -> str:
    """What a rule's code means."""
    zh = language == "zh"
    if code in _REASONS:
        return _REASONS[code][zh]
    if code.startswith("outbid:"):
        return "另一个活动的消息优先" if zh else "a message of another flow went first"
    cap = re.fullmatch(r"cap:(.+):(\d+)/([\d.]+)d", code)
    if cap is None:
        return code
    channel, messages, days = cap.groups()
    if zh:
        scope = "所有渠道合计" if channel == "all" else f"{channel} 渠道"
        return f"她在最近 {days} 天内已收到 {messages} 条消息（{scope}上限）"
    scope = "on all channels together" if channel == "all" else f"on {channel}"
    return f"she has had {messages} messages in {days} days {scope}, which is the limit"


def title(action: Action, offers: Mapping[str, Offer], language: Language) -> str:
    """An action in a few words."""
    zh = language == "zh"
    if action.kind == "nothing":
        return "什么也不发" if zh else "say nothing"
    offer = offers.get(action.offer_id or "")
    name = (offer.titles.get(language) or next(iter(offer.titles.values()))) if offer else action.offer_id or "?"
    about = action.product_id or action.category
    return f"{name}{f' ({about})' if about and about not in name else ''}{'，' if zh else ', '}{action.channel}"


def summary(decision: Decision, offers: Mapping[str, Offer], language: Language) -> str:
    """One sentence: what is done and with which probability it was chosen."""
    chosen = title(decision.intended, offers, language)
    share = f"{decision.propensity:.1%}"
    if language == "zh":
        head = f"{decision.customer_id}：选中“{chosen}”，概率 {share}。"
    else:
        head = f"{decision.customer_id}: “{chosen}”, chosen with probability {share}."
    return f"{head} {_ARMS[decision.arm][language == 'zh']}"


def explain(decision: Decision, actions: Sequence[Action], offers: Mapping[str, Offer], language: Language) -> str:
    """The whole story: every candidate, what forbade it, what was chosen and how likely that was."""
    zh = language == "zh"
    lines = [summary(decision, offers, language), ""]
    if not decision.personalised:
        lines += [
            "她拒绝了个性化：没有使用她的画像。"
            if zh
            else "She refused personalisation: nothing of her profile was used.",
            "",
        ]
    lines.append("候选：" if zh else "Candidates:")
    for action in actions:
        codes = decision.reasons.get(action.action_id, ())
        mark = "→" if action.action_id == decision.intended.action_id and not codes else "✗" if codes else "·"
        lines.append(f"  {mark} {title(action, offers, language)}")
        lines += [f"      {'不可以：' if zh else 'not possible: '}{reason(code, language)}" for code in codes]
    names = (decision.policy, decision.policy_version, decision.snapshot_version)
    lines += [
        "",
        ("策略 {}，版本 {}；画像快照 {}" if zh else "Policy {}, version {}; profile snapshot {}").format(*names),
    ]
    return "\n".join(lines)
