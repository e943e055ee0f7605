"""What no text may have, whatever it claims: law, placeholders, links, personal data, markup, broken sentences.

Each finding names its rule, the rule's version and the law it serves, in English and Chinese. Knows no model.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhanggui.catalog.product import Language
from zhanggui.content import advertising_law
from zhanggui.content.brief import Brief
from zhanggui.content.settings import Exemption

VERSION = "2026.1"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong with a text."""

    rule: str
    phrase: str
    law: str = ""
    version: str = VERSION

    def message(self, language: Language) -> str:
        """What is wrong, in words."""
        words = MESSAGES[self.rule][language == "zh"]
        return f"{words}: “{self.phrase}”" if language == "en" else f"{words}：“{self.phrase}”"


MESSAGES: dict[str, tuple[str, str]] = {
    "absolute_term": ("an absolute term", "绝对化用语"),
    "forbidden_promise": ("a promise that advertising must not make", "广告中不得出现的承诺或功效"),
    "too_long": ("too long", "过长"),
    "empty": ("nothing is said", "没有内容"),
    "placeholder": ("a placeholder was left", "留下了占位符"),
    "link": ("a link", "含有链接"),
    "personal_data": ("personal data", "含有个人信息"),
    "markup": ("markup", "含有标记"),
    "wrong_language": ("another language", "语言不对"),
    "about_itself": ("the writer speaks about itself or the task", "在谈论自己或任务"),
    "unfinished": ("the sentence does not end", "句子没有写完"),
    "repetition": ("it repeats itself", "重复"),
    "off_topic": ("what is advertised is not named", "没有提到所宣传的内容"),
    "in_our_name": ("it speaks in a person's name", "以个人名义说话"),
}

_PLACEHOLDER = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{[a-zA-Z_ ]{1,40}\}|\[[^\]]{1,40}\]|【(?:姓名|名字|品牌|商品|产品|链接|日期|店名|地址|公司)[^】]*】|<(?:unk|name|brand|product|company|link|insert|your)[^>]*>|\$[A-Z_]{3,}"
    r"|\b[Xx]{2,}\b|_{2,}|\blorem ipsum\b|\b(?:insert|your) (?:name|brand|company|product|shop|store) (?:here|name)\b|某某|XX|×{2,}|\bTODO\b|\bTBD\b|\.{4,}|…{3,}",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"https?:|www\.|\b[\w-]{2,}\.(?:com|cn|net|org|shop|io|co|top|xyz|store|info)\b|点击(?:链接|此处)|click here",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+|(?<!\d)1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)|(?<!\d)\d{17}[\dXx](?!\d)|\(?\b\d{3}\)?[-.\s]\d{3}[-.\s]\d{4}\b|[@#]\w{2,}"
)
_MARKUP = re.compile(r"</?[a-z][^>]*>|\*\*|__|^#+\s|^[-*•]\s|^\d+[.)]\s|```|&[a-z]+;|<\|", re.IGNORECASE | re.MULTILINE)
_ITSELF = re.compile(
    r"\bas an? (?:ai|language model|assistant)\b|\bi(?:'m| am) (?:an? )?(?:ai|sorry|assistant)|\bhere(?:'s| is| are) (?:a|an|the|one|some|your)\b.{0,30}\b(?:sentence|text|pitch|copy|message|line|example|newsletter)\b|^\s*(?:subject|title|body|note|output|answer|sentence|tone|newsletter|dear|hi|hello|hey|sure|certainly|okay|of course)\b"
    r"|\b(?:newsletter|subject line|customers?|sentence|catalogue|one sentence|tone:)\b|作为(?:一个|一名)?(?:ai|人工智能|语言模型|助手)|以下是|好的[，,]|当然[，,]|文案[：:]|标题[：:]|语气|顾客",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:I|I'm|I've|I'll|my|me|mine|myself|he|she|him|his)\b|我(?!们)", re.IGNORECASE)
_END = re.compile(r"[.!?。！？~～”\"’')）…]$")
_MAY_BE_GIVEN = frozenset({"placeholder", "personal_data"})  # a product may be called "@home" or "XXL"
_STOP = frozenset(["the", "and", "for", "with", "from", "our", "your", "all", "new", "fresh", "other", "misc"])


def check(text: str, brief: Brief, *, exemptions: Sequence[Exemption] = ()) -> list[Finding]:
    """Everything wrong with a pitch for `brief`; empty when it may be used."""
    found = [
        Finding(rule=one.rule, phrase=one.phrase, law=one.law, version=advertising_law.VERSION)
        for one in advertising_law.check(text, exemptions=exemptions)
    ]
    stripped = text.strip()
    if not stripped:
        return [Finding(rule="empty", phrase="")]
    if len(stripped) > brief.limit:
        found.append(Finding(rule="too_long", phrase=f"{len(stripped)} > {brief.limit}"))
    for rule, pattern in (
        ("placeholder", _PLACEHOLDER),
        ("link", _LINK),
        ("personal_data", _PERSONAL),
        ("markup", _MARKUP),
        ("about_itself", _ITSELF),
        ("in_our_name", _PERSON),
    ):
        match = pattern.search(stripped)
        if match and not (rule in _MAY_BE_GIVEN and _given(match[0], brief)):
            found.append(Finding(rule=rule, phrase=match[0][:60]))
    if not _END.search(stripped):
        found.append(Finding(rule="unfinished", phrase=stripped[-30:]))
    found += _shape(stripped, brief)
    return found


def _shape(text: str, brief: Brief) -> list[Finding]:
    found = []
    chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in text)
    latin = sum(sign.isascii() and sign.isalpha() for sign in text)
    wrong = chinese > 0 if brief.language == "en" else chinese < latin
    if wrong or (brief.language == "en" and sum(not sign.isascii() and sign.isalpha() for sign in text) > 3):
        found.append(Finding(rule="wrong_language", phrase=text[:30]))
    units = re.findall(r"[\u4e00-\u9fff]|\w+", text.lower())
    size = 4 if brief.language == "zh" else 3
    grams = [tuple(units[place : place + size]) for place in range(len(units) - size + 1)]
    if len(grams) != len(set(grams)):
        found.append(Finding(rule="repetition", phrase=text[:30]))
    if not _names_topic(text, brief):
        found.append(Finding(rule="off_topic", phrase=brief.about))
    return found


def _names_topic(text: str, brief: Brief) -> bool:
    """At least one telling word of what is advertised is in the text."""
    if not brief.about:
        return True
    lowered = text.lower()
    if brief.language == "zh":
        signs = re.findall(r"[\u4e00-\u9fff]", brief.about)
        pairs = {"".join(pair) for pair in itertools.pairwise(signs)}
        return any(pair in text for pair in pairs) or len(signs) < 2
    words = [word for word in re.findall(r"[a-z]{3,}", brief.about.lower()) if word not in _STOP]
    return not words or any(word.rstrip("s")[:6] in lowered for word in words)


def _given(phrase: str, brief: Brief) -> bool:
    return any(phrase.lower() in value.lower() for value in brief.evidence.values())
