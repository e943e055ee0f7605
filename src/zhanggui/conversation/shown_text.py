"""What may be shown of texts that others wrote: names, sentences, prices and links. Data stay data: no instruction gets through.

Pure. Knows no product's truth: a feed says what it sells, and this room says no more than the plain part of it.
"""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from zhanggui.money import Money, exponent

_MARKUP = re.compile(
    r"<[^<>]{0,200}>|<\|[^<>|]{0,80}\|>|\{\{[^{}]{0,200}\}\}|\{%[^{}]{0,200}%\}|\[/?INST\]|```|\*\*|__|[<>{}|`]"
)
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|prompts?|rules?|previous|above|prior|system)\b|\b(?:system|developer|assistant|user)\s*(?:prompt|message|:)"
    r"|\byou (?:are|must|should|will|have to) (?:now|always|never|tell|say|reveal|give|answer|act|pretend|an?)\b|\b(?:tell|inform|convince) the (?:customer|shopper|user|buyer)\b|\brepeat (?:everything|all|the (?:above|text|words))\b|\b(?:reveal|print|repeat|output|leak)\b.{0,40}\b(?:prompt|secrets?|instructions?|e-?mails?|passwords?|keys?)\b"
    r"|\b(?:jailbreak|DAN mode|do anything now|act as|pretend to be|role ?play)\b|im_start|im_end|endoftext"
    r"|(?:忽略|无视|忘记|忘掉|绕过|不要理会).{0,12}(?:指令|提示|规则|设定|要求|以上|之前|上面)|(?:系统|开发者)(?:提示|指令|消息)|提示词|请?助手.{0,6}(?:把|告诉|必须|应该|输出)|告诉(?:顾客|买家|用户|客户)|你(?:现在)?(?:必须|应该|要|是).{0,8}(?:告诉|说|输出|扮演|管理员|泄露)",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(?:free|discount|coupon|voucher|promo|code|refund|guarantee[ds]?|cash ?back|best|cheapest|no\.? ?1)\b|\boff\b|[$€£¥￥]|\b(?:cure[sd]?|heals?|treats?|prevents?|medic\w+|therap\w+|clinical\w*|doctors?|lowers?|disease|cancer)\b"
    r"|https?:|www\.|@|\b\d{6,}\b|免费|折|优惠|券|返现|红包|保证|退款|最(?:好|佳|低|优|强|便宜)|第一|国家级|治|疗|预防|药|医|降(?:血|压|脂|糖)|抗癌|疾病|微信|加群|二维码|电话|手机号",
    re.IGNORECASE,
)
_LURE = re.compile(
    r"\b[a-z0-9-]+\.(?:com|cn|net|org|shop|io|co|top|xyz|store|info|me|app)\b|https?:|www\.|@|\b\d{7,}\b|\b(?:coupon|voucher|promo|discount|free (?:today|now|gift|of charge))\b|优惠码|券|返现|红包|微信|加群|二维码|全场|免费送",
    re.IGNORECASE,
)
_CURE = re.compile(
    r"\b(?:cure[sd]?|heals?|treats?|prevents?|disease|cancer)\b|%\s*off\b|治|疗|抗癌|疾病", re.IGNORECASE
)
_LONGEST_NAME = 80
_LONGEST_WORD = 40
"""A longer value is a sentence, of which one that boasts is not shown."""
_SENTENCE = re.compile(r"[^.!?。！？\n]{1,300}[.!?。！？]?")


def plain(text: str, *, longest: int = 2_000) -> str:
    """Text without markup, control tokens and invisible signs, on one line."""
    cut = "".join(sign if sign.isprintable() else " " for sign in text[:longest])
    return " ".join(_MARKUP.sub(" ", cut).split())


def speaks_to_assistant(text: str) -> bool:
    """Whether a text that should describe something tries to instruct who reads it."""
    return bool(_INSTRUCTION.search(unicodedata.normalize("NFKC", text[:4_000])) or "<|" in text[:4_000])


def name(text: str, fallback: str) -> str:
    """A product's name to be shown; `fallback`, its id, where the text is none."""
    shown = plain(text)
    if not shown or speaks_to_assistant(text) or _LURE.search(unicodedata.normalize("NFKC", shown)):
        return plain(fallback)[:_LONGEST_NAME]
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def description(text: str) -> str:
    """The sentences of a description that only describe; "" when it speaks to the assistant anywhere."""
    if speaks_to_assistant(text):
        return ""
    return " ".join(_harmless(plain(text)))[:300]


def value(text: str) -> str:
    """A value of an aspect to be shown; "" where the text does more than name one."""
    shown = plain(text)
    boasts = _CURE.search(shown) or (len(shown) > _LONGEST_WORD and _CLAIM.search(shown))
    refused = len(shown) > _LONGEST_NAME or boasts or speaks_to_assistant(text) or _LURE.search(shown)
    return "" if refused else shown


def _harmless(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        if not _CLAIM.search(unicodedata.normalize("NFKC", sentence)):
            yield sentence.strip()


def price(amount: Money) -> str:
    """An amount as a shopper reads it: without the hundredths where there are none."""
    digits = exponent(amount.currency)
    text = str(amount)
    return text.replace(f".{'0' * digits}", "", 1) if digits and amount.minor % 10**digits == 0 else text


def link(url: str, site: str) -> str:
    """A link to the shop's own site; "" for any other."""
    try:
        host, own = (urlsplit(address).hostname or "" for address in (url, site))
    except ValueError:
        return ""
    home = own.removeprefix("www.")
    safe = bool(home) and (host == home or host.endswith(f".{home}")) and not re.search(r"[\s<>\"'{}|\\^`]", url)
    return url if safe and url.startswith(("https://", "http://")) and len(url) <= 500 else ""
