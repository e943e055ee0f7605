"""From a brief to a chat. The model writes one or two sentences; price, discount, code and date are never its business.

What the catalogue says is data between quotation marks; control tokens in it are taken out.
"""

import hashlib

from zhanggui.content.brief import Brief
from zhanggui.llm.model import ChatMessage, ChatRequest

_SYSTEM = {
    "en": "You write one friendly sentence for a shop's newsletter. Speak about how the product is used or enjoyed. "
          "No prices, no numbers, no discounts, no names, no promises.",
    "zh": "你为一家网店写一句亲切的营销文案，只写商品的使用场景或感受。不写价格、数字、折扣、人名、承诺，不用“最”“第一”等绝对化用语。",
}
_EXAMPLES = {
    "en": (
        ("green tea", "A quiet cup of green tea makes a long afternoon feel a little shorter."),
        ("running shoes", "Lace up, step out, and let the morning air do the rest."),
        ("frozen pizza", "Friday evening, an oven, and a pizza that everybody at the table agrees on."),
    ),
    "zh": (
        ("绿茶", "忙完一阵，泡一杯绿茶，让午后慢下来。"),
        ("跑鞋", "系好鞋带，推开门，清晨的风会陪你跑完这一程。"),
        ("羊毛围巾", "天凉了，出门前绕上一圈，暖意就留在了颈边。"),
    ),
}
_TONES = {
    "warm": ("warm", "温暖"), "plain": ("plain", "朴实"), "playful": ("playful", "俏皮"), "elegant": ("elegant", "雅致"),
}
_STAGES = {
    "new": ("for somebody who bought from us for the first time lately", "写给不久前第一次来店里的顾客"),
    "loyal": ("for a regular customer", "写给常来的顾客"),
    "at_risk": ("for somebody who has not been in for a while", "写给有一阵没来的顾客"),
    "lapsed": ("for somebody who has not been in for a long time", "写给很久没来的顾客"),
}


def request_for(brief: Brief, *, candidates: int) -> ChatRequest:
    """The chat that asks for `candidates` pitches. Its system message and examples are shared by all briefs."""
    zh = brief.language == "zh"
    turns = [ChatMessage(role="system", content=_SYSTEM[brief.language])]
    for about, line in _EXAMPLES[brief.language]:
        turns += [ChatMessage(role="user", content=_ask(about, zh=zh)), ChatMessage(role="assistant", content=line)]
    asked = [_ask(brief.about, zh=zh)]
    if brief.product:
        facts = "; ".join(f"{name}: {value}" for name, value in brief.product)
        asked.append(f"{'商品资料' if zh else 'Facts'}: “{facts[:500]}”")
    if brief.stage in _STAGES:
        asked.append(_STAGES[brief.stage][zh])
    asked.append(f"{'语气' if zh else 'Tone'}: {_TONES.get(brief.tone, (brief.tone, brief.tone))[zh]}")
    turns.append(ChatMessage(role="user", content=("。" if zh else ". ").join(asked)))
    return ChatRequest(messages=tuple(turns), n=candidates)


def prompt_hash(request: ChatRequest) -> str:
    """SHA-256 of the whole prompt, for the proof record."""
    text = "\x1f".join(f"{one.role}\x1e{one.content}" for one in request.messages)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ask(about: str, *, zh: bool) -> str:
    return f"写一句关于“{about}”的文案" if zh else f"One sentence about “{about}”"
