"""Texts as clauses of words: rjieba (jieba's dictionary and tags) for Chinese, letters for English. Judges nothing."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from zhanggui.corpus.document import Document
from zhanggui.errors import CorpusError

_STOP_ZH = frozenset(
    "东西 时候 感觉 觉得 知道 没有 时间 有点 还有 有些 一下 一个 一点 两个 今天 昨天 现在 以后 之后 之前 自己 大家 别人 朋友 地方 问题 情况 事情 收到 "
    "可能 应该 可以 不能 不会 需要 还会 希望 建议 使用 购买 买过 买来 买回来 看到 出来 起来 回来 下来 过来 进去 开始 继续 有人 没人 方面 样子 京东 淘宝 天猫 当当 携程 亚马逊 "
    "宝贝 商品 产品 物品 卖家 评价 评论 第一次 第二次 总体 总的来说 整体 基本 是不是 有没有 怎么 什么 为什么 这样 那样 整体".split()
)
_OPEN_TAGS = ("n", "v", "a", "i", "l", "j", "eng")
_OPEN_TAGS_NOT = ("nr1", "vshi", "vyou", "vf")
_WORD = re.compile(r"[a-z0-9]+(?:['’_-][a-z0-9]+)*")
_CLAUSE_END = re.compile(r"[,;:!?。，；！？、()\[\]\"“”|/\n]+|\.(?=\s|$)|\s[-–—]+\s|…")
JOINT = "\x1f"
"""Stands between the two words of a pair."""
_PLACEHOLDER = re.compile(r"\[(?:EMAIL|PHONE|ID|CARD|ACCOUNT|PLATE|ADDRESS)\]")


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text between two signs of punctuation."""

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    """jieba's parts of speech for Chinese; "" for English."""


def tongue(document: Document) -> str:
    """ "zh" or "en": whose rules read this text; "" when neither does."""
    return {"zh": "zh", "mixed": "zh", "en": "en"}.get(document.language, "")


def clauses(text: str, language: str) -> list[Clause]:
    """The clauses of a text in "zh" or "en". Raises CorpusError without the extra `train`."""
    text = _PLACEHOLDER.sub("，" if language == "zh" else ", ", text)
    return list(_chinese(text) if language == "zh" else _english(text))


def candidates(found: list[Clause], language: str) -> list[str]:
    """Words that a keyword or a topic may be made of: with meaning of their own, and two such words in a row."""
    words = []
    for clause in found:
        before = ""
        for word, tag in zip(clause.words, clause.tags, strict=True):
            if not (_is_open_zh(word, tag) if language == "zh" else _is_open_en(word)):
                before = ""
                continue
            words.append(word)
            if before:
                words.append(sys.intern(f"{before}{JOINT}{word}"))
            before = word
    return words


def _is_open_zh(word: str, tag: str) -> bool:
    return len(word) > 1 and tag.startswith(_OPEN_TAGS) and tag not in _OPEN_TAGS_NOT and word not in _STOP_ZH


def _is_open_en(word: str) -> bool:
    return len(word) > 2 and not word.isdigit() and word not in _stop_en()


@cache
def _stop_en() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    more = "just got don't didn't doesn't i'm it's i've can't won't isn't wasn't that's you're we're really thing things lot"
    return frozenset(ENGLISH_STOP_WORDS) | frozenset(more.split())


@cache
def _jieba() -> Any:
    try:
        import rjieba
    except ModuleNotFoundError as error:
        raise CorpusError("Chinese words need rjieba; run: pip install 'zhanggui[train]'") from error
    return rjieba


def _chinese(text: str) -> Iterator[Clause]:
    words: list[str] = []
    tags: list[str] = []
    for word, tag in _jieba().tag(text):
        if word.isspace() or _CLAUSE_END.fullmatch(word) or (tag == "x" and not any(sign.isalnum() for sign in word)):
            if words:
                yield Clause("".join(words), tuple(words), tuple(tags))
                words, tags = [], []
        else:
            words.append(sys.intern(word.lower()))
            tags.append(sys.intern(tag))
    if words:
        yield Clause("".join(words), tuple(words), tuple(tags))


def _english(text: str) -> Iterator[Clause]:
    for part in _CLAUSE_END.split(text):
        words = tuple(sys.intern(one.replace("’", "'")) for one in _WORD.findall(part.lower()))
        if words:
            yield Clause(part.strip(), words, ("",) * len(words))
