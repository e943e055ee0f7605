"""The part of a policy section that answers a question, as the page has it, without its Markdown. Pure; adds no word."""

import re

from zhanggui.conversation import shown_text

_LONGEST = 320
_MARKS = re.compile(r"^\s*(?:[-*+]|\d+\.|#+|>)\s+", re.MULTILINE)
_LINKS = re.compile(r"\[([^\[\]]{0,200})\]\([^()]{0,300}\)")
_SENTENCES = re.compile(r"[^.!?。！？；;\n]{1,400}(?:[.!?。！？；;](?!\d)|\n|$)")
_WORDS = re.compile(r"[a-z]{4,}|[\u4e00-\u9fff]")


def excerpt(text: str, question: str) -> str:
    """Whole sentences of a section from its beginning, or from where they begin to be about the question; "" for none."""
    sentences = [
        plain for part in _SENTENCES.findall(_LINKS.sub(r"\1", _MARKS.sub("", text[:5_000]))) if (plain := _said(part))
    ]
    if not sentences:
        return ""
    start = 0
    if sum(map(len, sentences)) > _LONGEST:
        asked = set(_WORDS.findall(question.lower()))
        shared = [len(asked & set(_WORDS.findall(sentence.lower()))) for sentence in sentences]
        start = shared.index(max(shared))
    said: list[str] = []
    for sentence in sentences[start:]:
        if said and sum(map(len, said)) + len(sentence) > _LONGEST:
            break
        said.append(sentence)
    joint = "" if re.search(r"[\u4e00-\u9fff]", said[0]) else " "
    return joint.join(said)[: _LONGEST * 2]


def _said(sentence: str) -> str:
    """A sentence as it is shown; "" for one that speaks to the assistant. A page is the shop's own: its promises stand."""
    return "" if shown_text.speaks_to_assistant(sentence) else shown_text.plain(sentence)
