"""From what a model answered to the one text that is used: parsed, checked, scored. Calls no model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhanggui.content import claims, rules
from zhanggui.content.brief import Brief
from zhanggui.content.claims import Claim
from zhanggui.content.prompt import example_lines
from zhanggui.content.settings import Exemption

_LABEL = re.compile(r"^\s*(?:sentence|text|answer|copy|pitch|文案|正文)\s*[:：]\s*", re.IGNORECASE)
_QUOTES = re.compile(r"^[\s\"“”'‘’「『]+|[\s\"“”'‘’」』]+$")


def _grams(text: str) -> set[tuple[str, ...]]:
    units = re.findall(r"[\u4e00-\u9fff]|[a-z']+", text.lower())
    return {tuple(units[place : place + 4]) for place in range(len(units) - 3)}


_EXAMPLES = frozenset().union(*(_grams(line.partition(",")[2] or line) for line in example_lines()))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One text of the model, and everything that was found in it."""

    text: str
    claims: tuple[Claim, ...]
    reasons: tuple[str, ...]
    """Why it may not be used: names of rules, "claim:KIND" for unsupported claims; empty when it may."""


def read(answer: str) -> str:
    """The pitch in an answer: its first paragraph, at most two sentences, without label and quotation marks."""
    paragraph = next((part for part in re.split(r"\n+", answer) if part.strip()), "")
    text = _QUOTES.sub("", _LABEL.sub("", paragraph.strip()))
    sentences = re.findall(r".+?(?:[.!?](?=\s|$)|[。！？]|$)[”\"’」]?", text)
    whole = [one for one in sentences if re.search(r"[.!?。！？][”\"’」]?$", one.strip())]
    # A token limit cuts the last sentence; what was finished before it stands on its own.
    return "".join(whole[:2]).strip() if whole else text


def examine(answer: str, brief: Brief, *, exemptions: Sequence[Exemption]) -> Candidate:
    """Check one answer."""
    text = read(answer)
    made = tuple(claims.check(text, brief))
    reasons = [one.rule for one in rules.check(text, brief, exemptions=exemptions)]
    if _grams(text) & _EXAMPLES:
        reasons.append("copied_example")
    reasons += [f"claim:{one.kind}" for one in made if one.evidence is None]
    return Candidate(text=text, claims=made, reasons=tuple(dict.fromkeys(reasons)))


def best(candidates: Sequence[Candidate], brief: Brief) -> Candidate | None:
    """The usable candidate that says most of the brief in a fitting length; None when none is usable."""
    usable = [one for one in candidates if not one.reasons]
    return max(usable, key=lambda one: (_score(one.text, brief) + _agreement(one, usable), one.text), default=None)


def _agreement(one: Candidate, others: Sequence[Candidate]) -> float:
    """How much a text has in common with the other candidates: what a model says often, it says for a reason
    (minimum Bayes risk decoding, Kumar and Byrne 2004)."""
    mine = set(re.findall(r"[\u4e00-\u9fff]{2}|[a-z]{4,}", one.text.lower()))
    shares = []
    for other in others:
        if other is not one:
            theirs = set(re.findall(r"[\u4e00-\u9fff]{2}|[a-z]{4,}", other.text.lower()))
            shares.append(len(mine & theirs) / max(1, len(mine | theirs)))
    return sum(shares) / max(1, len(shares))


def _score(text: str, brief: Brief) -> float:
    """Facts that are used count for, rambling and saying a word twice against."""
    units = re.findall(r"[\u4e00-\u9fff]{2}|[a-z]{4,}", text.lower())
    wanted = set(re.findall(r"[\u4e00-\u9fff]{2}|[a-z]{4,}", " ".join(brief.evidence.values()).lower()))
    used = len(wanted & set(units)) / max(1, len(wanted))
    twice = len(units) - len(set(units))
    pauses = len(re.findall(r"[,，;；]", text))
    ideal = 60 if brief.language == "en" else 28
    return used - abs(len(text) - ideal) / ideal / 2 - 0.2 * twice - 0.2 * max(0, pauses - 1)
