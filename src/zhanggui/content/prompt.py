"""From a brief to a chat. The model writes one or two sentences; price, discount, code and date are never its business.

What the catalogue says is data between quotation marks; control tokens in it are taken out.
"""

import hashlib
from typing import Literal

from zhanggui.content.brief import Brief
from zhanggui.llm.model import ChatMessage, ChatRequest

Style = Literal["examples", "brief", "product"]

# A small model follows a shape better than an instruction: each example names the thing and a moment of using it.
_SYSTEM = {
    "en": "You finish one line for a shop's newsletter: the product, then the moment it is for. "
    "No prices, numbers, names or promises.",
    "zh": "你为一家网店写一句亲切的营销文案，只写商品的使用场景或感受。不写价格、数字、折扣、人名、承诺，不用“最”“第一”等绝对化用语。",
}
_EXAMPLES = {
    "en": (
        ("green tea", "Green tea, for the quiet half hour after lunch."),
        ("baby wipes", "Baby wipes, for sticky little hands and everything they have just touched."),
        ("frozen pizza", "Frozen pizza, for evenings when nobody feels like cooking."),
        ("dish soap", "Dish soap, for the pile of plates that a good dinner leaves behind."),
        ("apples", "Apples, for lunch boxes, long walks and the bowl on the kitchen table."),
        ("running shoes", "Running shoes, for early mornings when the streets are still yours."),
    ),
    "zh": (
        ("绿茶", "忙完一阵，泡一杯绿茶，让午后慢下来。"),
        ("跑鞋", "系好鞋带，推开门，清晨的风会陪你跑完这一程。"),
        ("羊毛围巾", "天凉了，出门前绕上一圈羊毛围巾，暖意就留在了颈边。"),
    ),
}
_TONES = {
    "warm": ("warm", "温暖"),
    "plain": ("plain", "朴实"),
    "playful": ("playful", "俏皮"),
    "elegant": ("elegant", "雅致"),
}
_STAGES = {
    "new": ("Readers are new here.", "读者是新顾客。"),
    "loyal": ("Readers come often.", "读者是常客。"),
    "at_risk": ("Readers have not been here for a while.", "读者有一阵没来了。"),
    "lapsed": ("Readers have not been here for long.", "读者很久没来了。"),
}


def request_for(brief: Brief, *, candidates: int, style: Style = "examples") -> ChatRequest:
    """The chat that asks for `candidates` pitches.

    Style "examples": a system message and examples, shared by all briefs, show any model what is wanted. Style "brief":
    the whole brief and no example, for a model that was trained on briefs. Style "product": of the brief only what is
    advertised and who reads, for one so small that it repeats the tone's name and mistakes an offer for a subject.
    """
    zh = brief.language == "zh"
    if style != "examples":
        return ChatRequest(messages=_bare(brief, whole=style == "brief"), n=candidates)
    # Tone and reader stand in the system message: a small model repeats whatever stands beside the product's name.
    voice = f"{'语气' if zh else 'Tone'}{'：' if zh else ': '}{_TONES.get(brief.tone, (brief.tone, brief.tone))[zh]}"
    reader = _STAGES.get(brief.stage, ("", ""))[zh]
    system = " ".join(part for part in (_SYSTEM[brief.language], voice, reader) if part)
    turns = [ChatMessage(role="system", content=system)]
    for about, line in _EXAMPLES[brief.language]:
        turns += [ChatMessage(role="user", content=_ask(about, zh=zh)), ChatMessage(role="assistant", content=line)]
    asked = _ask(brief.about, zh=zh)
    if brief.product:
        facts = "; ".join(f"{name}: {value}" for name, value in brief.product)
        asked += f"\n{'商品资料' if zh else 'Facts'}: “{facts[:500]}”"
    turns.append(ChatMessage(role="user", content=asked))
    return ChatRequest(messages=tuple(turns), n=candidates)


def _bare(brief: Brief, *, whole: bool) -> tuple[ChatMessage, ...]:
    """What changes least comes first: a server keeps the beginning that requests share."""
    reader, about = f"reader: {brief.stage or 'anyone'}", f"about: {brief.about}"
    if whole:
        offer = f"offer: {'yes' if brief.offer_title else 'no'}"
        lines = [f"channel: {brief.channel}", f"tone: {brief.tone}", reader, offer, about]
    else:
        lines = [reader, about]
    lines += [f"{name}: {value}" for name, value in brief.product]
    system = "你为一家网店写一句文案。" if brief.language == "zh" else "You write one line of copy for a shop."
    return (ChatMessage(role="system", content=system), ChatMessage(role="user", content="\n".join(lines)[:800]))


def example_lines() -> list[str]:
    """The lines that the prompts show; an answer must not copy them."""
    return [line for pairs in _EXAMPLES.values() for _, line in pairs]


def prompt_hash(request: ChatRequest) -> str:
    """SHA-256 of the whole prompt, for the proof record."""
    text = "\x1f".join(f"{one.role}\x1e{one.content}" for one in request.messages)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ask(about: str, *, zh: bool) -> str:
    return f"写一句关于“{about}”的文案" if zh else about
