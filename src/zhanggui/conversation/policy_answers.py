"""What the shop promises: sections of its policy pages, quoted word for word and cited. Knows no sentence of its own."""

import re
from collections.abc import Sequence

from zhanggui.conversation import policy_text, shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import Put
from zhanggui.service.policy_page import PolicySection

_PAGES = {"ask_delivery": "shipping", "ask_returns": "returns"}
_PARTICULAR = re.compile(
    r"费|谁|多久|几天|怎么|怎样|流程|换|不能|退款|到账|\b(?:how|who|pay|long|costs?|exchange|refunds?|cannot|can't|opened)\b",
    re.IGNORECASE,
)
_GENERAL = {"zh": "退货期限", "en": "return period days delivery unused"}
"""Whether something can be returned at all is what the section on the time for it says."""
_COSTS = re.compile(r"多少钱|[运邮]费|包邮|\b(?:how much|costs?|fees?|free|charges?)\b", re.IGNORECASE)
_TIMES = re.compile(r"多久|几天|什么时候|何时|\b(?:how long|when|how many days|how soon)\b", re.IGNORECASE)
_DURATION = {"zh": "几天能到 送达时间", "en": "how long does delivery take days"}
_MEANS = re.compile(
    r"\b(?:paypal|klarna|apple pay|google pay|alipay|wechat pay|unionpay|visa|mastercard|amex|invoice|cash)\b|花呗|支付宝|微信|信用卡|银联|货到付款|发票",
    re.IGNORECASE,
)
"""Ways to pay: a section that names the one that is asked about says more than any other."""
_ARRIVES = re.compile(r"\b(?:arrive|get here|be here)\b", re.IGNORECASE)
_PLACES = re.compile(
    r"海外|国外|国际|境外|\b(?:ship|deliver|send|post)(?: \w+)? (?:to (?!me\b|my\b)|abroad)", re.IGNORECASE
)
_ABROAD = {"zh": "国际配送 国家", "en": "international delivery countries"}
_CHARGES = {"zh": "运费", "en": "shipping costs"}


def policy(moment: Moment, lookups: Lookups, intents: Sequence[str]) -> Put:
    """What the pages promise about this, word for word, with the sections that say it: of two questions about delivery two."""
    wanted = [_PAGES[intent] for intent in intents if intent in _PAGES]
    if wanted and moment.state.cited:  # "and who pays for it?" goes on about the page that was cited last
        wanted.append(list(moment.state.cited)[-1].partition("#")[0])
    acts, cited = list[DialogueAct](), dict(moment.state.cited)
    for asked in _asked(moment, intents):
        section = _section(asked, moment, lookups, wanted)
        quoted = policy_text.excerpt(section.text, asked) if section else ""
        if section and quoted and section.citation not in {act.facts["source"] for act in acts}:
            facts = {"says": quoted, "heading": shown_text.value(section.heading), "source": section.citation}
            acts.append(DialogueAct(name="answer", about="policy", facts=facts))
            cited.pop(section.citation, None)
            cited[section.citation] = section.digest
    if not acts:
        return Put(acts=(DialogueAct(name="not_known", about="policy"),))
    return Put(acts=tuple(acts), values={"cited": cited})


def _asked(moment: Moment, intents: Sequence[str]) -> list[str]:
    """What to look for in the pages: the shopper's words, with those that the section is likely to have."""
    said, language = moment.heard.text, moment.language
    if "ask_returns" in intents and not _PARTICULAR.search(said):
        return [f"{said} {_GENERAL[language]}"]
    if "ask_delivery" in intents and _ARRIVES.search(said) and not _COSTS.search(said):
        return [f"{said} {_DURATION[language]}"]
    if "ask_delivery" in intents and _COSTS.search(said):
        more = [words[language] for cue, words in ((_TIMES, _DURATION), (_PLACES, _ABROAD)) if cue.search(said)]
        return [f"{said} {_CHARGES[language]}", *more]
    return [said]


def _section(asked: str, moment: Moment, lookups: Lookups, wanted: Sequence[str]) -> PolicySection | None:
    """The section that fits best, of the pages that are wanted, if any are."""
    sections = lookups.sections(asked, moment.language, 10)
    fitting = [section for section in sections if section.page in wanted] if wanted else list(sections)
    if wanted and not fitting:
        sections = lookups.sections(" ".join(wanted), moment.language, 20)
        fitting = [section for section in sections if section.page in wanted]
    named = {match.casefold() for match in _MEANS.findall(asked)}
    return max(fitting, key=lambda section: sum(name in section.text.casefold() for name in named), default=None)
