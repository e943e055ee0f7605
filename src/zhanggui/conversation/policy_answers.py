"""What the shop promises: sections of its policy pages, quoted word for word and cited. Knows no sentence of its own."""

import re
from collections.abc import Sequence

from zhanggui.conversation import policy_text, shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.shopping import Put

_PAGES = {"ask_delivery": "shipping", "ask_returns": "returns"}
_PARTICULAR = re.compile(
    r"费|谁|多久|几天|怎么|怎样|流程|换|不能|退款|到账|\b(?:how|who|pay|long|costs?|exchange|refunds?|cannot|can't|opened)\b",
    re.IGNORECASE,
)
_GENERAL = {"zh": "退货期限", "en": "return period days delivery unused"}
"""Whether something can be returned at all is what the section on the time for it says."""
_COSTS = re.compile(r"多少钱|[运邮]费|包邮|\b(?:how much|costs?|fees?|free|charges?)\b", re.IGNORECASE)
_CHARGES = {"zh": "运费", "en": "shipping costs"}


def policy(moment: Moment, lookups: Lookups, intents: Sequence[str]) -> Put:
    """What the pages promise about this, word for word, with the section that says it."""
    wanted = [_PAGES[intent] for intent in intents if intent in _PAGES]
    if wanted and moment.state.cited:  # "and who pays for it?" goes on about the page that was cited last
        wanted.append(list(moment.state.cited)[-1].partition("#")[0])
    said = moment.heard.text
    if "ask_returns" in intents and not _PARTICULAR.search(said):
        said = f"{said} {_GENERAL[moment.language]}"
    elif "ask_delivery" in intents and _COSTS.search(said):
        said = f"{said} {_CHARGES[moment.language]}"
    sections = lookups.sections(said, moment.language, 10)
    fitting = [section for section in sections if section.page in wanted] if wanted else list(sections)
    if wanted and not fitting:
        sections = lookups.sections(" ".join(wanted), moment.language, 20)
        fitting = [section for section in sections if section.page in wanted]
    if not fitting:
        return Put(acts=(DialogueAct(name="not_known", about="policy"),))
    section = fitting[0]
    quoted = policy_text.excerpt(section.text, moment.heard.text)
    if not quoted:
        return Put(acts=(DialogueAct(name="not_known", about="policy"),))
    facts = {"says": quoted, "heading": shown_text.value(section.heading), "source": section.citation}
    others = {source: digest for source, digest in moment.state.cited.items() if source != section.citation}
    cited = {**others, section.citation: section.digest}
    return Put(acts=(DialogueAct(name="answer", about="policy", facts=facts),), values={"cited": cited})
