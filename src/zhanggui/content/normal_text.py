"""Sees through disguises: full-width forms, invisible characters, split and look-alike characters. Judges nothing."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
# Signs put between Chinese characters to hide a word from a filter.
_SPLIT = re.compile(r"(?<=[\u4e00-\u9fff])[\s*·•.\-_~|/\\+^`'’]+(?=[\u4e00-\u9fff])")
# Characters and spellings that stand in for 最, 第一 and their like; only where the original word is meant.
_DISGUISES = tuple(
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (r"[朂蕞嶵]", "最"),
        (r"[醉罪](?=[好佳强低高优美便])", "最"),
        (r"z\s*u\s*i\s*(?=[\u4e00-\u9fff])", "最"),
        (r"\bzui\s*(hao|jia|di|qiang|gao)\b", "最好"),
        (r"第\s*[1１壹①](?![0-9.])", "第一"),
        (r"\bdi\s?yi\b", "第一"),
        (r"\b(?:n\s*[o0]\s*[.．:]?\s*1|n[°º]\s*1|top\s*1)(?![0-9.])", "no.1"),
        (r"[唯帷惟][一1壹]", "唯一"),
        (r"国\s*家\s*[级極极]", "国家级"),
        (r"顶\s*[级極]", "顶级"),
        (r"極", "极"),
        (r"頂", "顶"),
        (r"級", "级"),
        (r"國", "国"),
        (r"獨", "独"),
    )
)


def normal(text: str) -> str:
    """NFKC, lower case, no invisible characters, disguised words in their plain form."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    text = _SPLIT.sub("", text)
    for pattern, word in _DISGUISES:
        text = pattern.sub(word, text)
    return text
