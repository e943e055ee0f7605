"""The end of `zhanggui demo`: two short conversations with the assistant, as they are held. Knows no campaign."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from zhanggui.cli.output import console, either, progress, show

if TYPE_CHECKING:
    from zhanggui.engine import Engine

# Each searches, asks for a rule of the shop, and changes its mind.
ENGLISH = (
    "Hi, I'm looking for coffee, nothing over 5 dollars",
    "What's your return policy?",
    "Actually, tea instead, please",
    "I'll take the second one",
    "Thanks, bye",
)
CHINESE = (
    "你好，想给妈妈买条羊毛围巾",
    "大概几天能送到？",
    "算了，还是换成真丝的吧",
    "就要这个",
    "谢谢",
)


def hold(engine: "Engine", said: Sequence[str]) -> None:
    """Hold a conversation and show it turn by turn. The same shop says the same again."""
    conversation = engine.conversations.start(door="demo", seed="demo")
    for text in said:
        show(f"> {text}")
        for line in engine.conversations.turn(conversation.conversation_id, text).answer.splitlines():
            show(f"  {line}")


def hold_both(grocer: Path, clock: Callable[[], datetime]) -> None:
    """An English conversation over the grocer's catalogue, and a Chinese one over the sample shop's."""
    from zhanggui.engine import Engine
    from zhanggui.shops.policy_pages import write_policy_pages
    from zhanggui.shops.sample import write_sample

    with Engine.open(grocer, clock=clock, replayed=True) as engine:
        write_policy_pages(engine.service.pages.folder)
        with progress(either("search index", "搜索索引"), 1) as advance:
            engine.catalog.refresh_search()
            advance(1)
        console.rule(either("a conversation with the grocer's assistant", "与杂货店助手的对话"))
        hold(engine, ENGLISH)
    sample = grocer / "sample-shop"
    if not (sample / "zhanggui.toml").exists():
        Engine.create(sample, name="小掌柜")
    with Engine.open(sample, clock=clock, replayed=True) as engine:
        engine.catalog.load(write_sample(sample / "sample", until=clock()).products, form="jsonl")
        write_policy_pages(engine.service.pages.folder)
        console.rule(either("a conversation in Chinese, in the sample shop", "在示例店里的中文对话"))
        hold(engine, CHINESE)
