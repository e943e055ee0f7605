"""Finds sections of policy pages by words in both languages (BM25). Knows no file.

Chinese is compared by single signs and pairs of them, English by words without their endings: pages are few and short.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhanggui.service.policy_page import PolicySection
from zhanggui.service.policy_words import CONCEPTS, STOP

_K1, _B = 1.2, 0.75  # Robertson and Zaragoza, 2009
_HEADING = 2.0
"""How much more a heading counts whose words are all asked for."""
_LONGEST = 500
_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
_CONDITION = re.compile(r"\bas (?:long|soon) as\b")  # says nothing of time
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ings?|ed|ies|es|s|y|e)\b")
_CONCEPTS_EN: dict[str, set[str]] = {}
for _row, (_english, _chinese) in enumerate(CONCEPTS):
    for _word in _english.split():
        _CONCEPTS_EN.setdefault(_ENDING.sub("", _word), set()).add(f"={_row}")
_CONCEPTS_ZH = [(word, f"={row}") for row, (_, chinese) in enumerate(CONCEPTS) for word in chinese.split()]


@dataclass(frozen=True, kw_only=True)
class PolicyIndex:
    """Sections with what is needed to rank them."""

    sections: tuple[PolicySection, ...]
    headings: tuple[frozenset[str], ...]
    """Of each section the terms of its heading."""
    counts: tuple[Mapping[str, int], ...]
    """Of each section its terms, the heading's too."""
    lengths: tuple[int, ...]
    rarity: Mapping[str, float]
    """Of each term (inverse document frequency)."""


def index(sections: Sequence[PolicySection]) -> PolicyIndex:
    """Prepare sections for searching."""
    counts = [Counter(terms(f"{section.heading}\n{section.text}")) for section in sections]
    seen = Counter(term for count in counts for term in count)
    return PolicyIndex(
        sections=tuple(sections),
        headings=tuple(frozenset(terms(section.heading)) for section in sections),
        counts=tuple(counts),
        lengths=tuple(count.total() for count in counts),
        rarity={term: math.log(1 + (len(counts) - held + 0.5) / (held + 0.5)) for term, held in seen.items()},
    )


def search(known: PolicyIndex, text: str, *, limit: int) -> list[tuple[PolicySection, float]]:
    """Sections that share words with a text, the best first, with their scores: BM25, and the more the more of the heading is
    asked for.
    """
    wanted = frozenset(terms(text[:_LONGEST], asked=True))
    average = sum(known.lengths) / max(1, len(known.lengths)) or 1.0
    scored = []
    for section, heading, count, length in zip(
        known.sections, known.headings, known.counts, known.lengths, strict=True
    ):
        norm = _K1 * (1 - _B + _B * length / average)
        shared = wanted & count.keys()
        score = sum(known.rarity[term] * count[term] * (_K1 + 1) / (count[term] + norm) for term in shared)
        named = wanted & heading
        score += _HEADING * sum(known.rarity[term] for term in named) * len(named) / max(1, len(heading))
        if score > 0:
            scored.append((section, score))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0].citation))[:limit]


def terms(text: str, *, asked: bool = False) -> list[str]:
    """What is compared of a text: its words, and for what customers and pages call differently what stands for both. Of a
    question (`asked`) a single Chinese sign counts only where no pair holds it.
    """
    compared: list[str] = []
    for run in _RUN.findall(_CONDITION.sub(" ", unicodedata.normalize("NFKC", text).lower())):
        if run.isascii():
            stem = _ENDING.sub("", run)
            compared += _CONCEPTS_EN.get(stem, () if run in STOP else (stem,))
            continue
        pairs = [run[at : at + 2] for at in range(len(run) - 1) if not {*run[at : at + 2]} & STOP]
        paired = set("".join(pairs)) if asked else STOP
        compared += [*pairs, *(sign for sign in run if sign not in STOP and sign not in paired)]
        compared += [concept for word, concept in _CONCEPTS_ZH for _ in range(run.count(word))]
    return compared
