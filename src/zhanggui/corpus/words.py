"""Texts as clauses of words: rjieba (jieba's dictionary and tags) for Chinese, letters for English. Judges nothing."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from zhanggui.corpus.document import Document
from zhanggui.corpus.lexicon import lexicon
from zhanggui.errors import CorpusError

_OPEN_TAGS = ("n", "v", "a", "i", "l", "j", "eng")
_OPEN_TAGS_NOT = ("nr1", "vshi", "vyou", "vf")
_WORD = re.compile(r"[a-z0-9]+(?:['’_-][a-z0-9]+)*")
_CLAUSE_END = re.compile(r"[,;:!?。，；！？、()\[\]\"“”|/\n]+|\.(?=\s|$)|\s[-–—]+\s|…")
JOINT = "\x1f"
"""Stands between the two words of a pair."""
_PLACEHOLDER = re.compile(r"\[(?:EMAIL|PHONE|ID|CARD|ORDER|ACCOUNT|PLATE|ADDRESS)\]")


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
    return len(word) > 1 and tag.startswith(_OPEN_TAGS) and tag not in _OPEN_TAGS_NOT and word not in lexicon("zh").stop


def _is_open_en(word: str) -> bool:
    return len(word) > 2 and not word.isdigit() and word not in _stop_en()


@cache
def _stop_en() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) | lexicon("en").stop


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
