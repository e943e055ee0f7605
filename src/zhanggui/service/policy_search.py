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

_K1, _B = 1.2, 0.75  # Robertson and Zaragoza, 2009
_HEADING = 3
"""A word of a heading counts as so many of the text."""
_LONGEST = 500
_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ings?|ed|ies|es|s|y|e)\b")
_STOP = frozenset(
    "a an and any are be by can could do does for from have how i if in is it me my of on or the there to us we what when "  # noqa: SIM905
    "where which will with would you your 我 你 您 们 的 了 吗 呢 啊 是 有 在 和 会 要 能 可 以 么 什 怎 样 请 问 多 少 几 这 那 个 把 被 就 都 也 还 很 给".split()
)


@dataclass(frozen=True, kw_only=True)
class PolicyIndex:
    """Sections with what is needed to rank them."""

    sections: tuple[PolicySection, ...]
    counts: tuple[Mapping[str, int], ...]
    """Of each section its terms."""
    lengths: tuple[int, ...]
    weights: Mapping[str, float]
    """How rare each term is (inverse document frequency)."""


def index(sections: Sequence[PolicySection]) -> PolicyIndex:
    """Prepare sections for searching."""
    counts = [Counter(terms(f"{section.text}\n" + f"{section.heading}\n" * _HEADING)) for section in sections]
    seen = Counter(term for count in counts for term in count)
    return PolicyIndex(
        sections=tuple(sections),
        counts=tuple(counts),
        lengths=tuple(count.total() for count in counts),
        weights={term: math.log(1 + (len(counts) - held + 0.5) / (held + 0.5)) for term, held in seen.items()},
    )


def search(known: PolicyIndex, text: str, *, limit: int) -> list[tuple[PolicySection, float]]:
    """Sections that share words with a text, the best first, with their scores."""
    wanted = set(terms(text[:_LONGEST]))
    average = sum(known.lengths) / max(1, len(known.lengths)) or 1.0
    scored = []
    for section, count, length in zip(known.sections, known.counts, known.lengths, strict=True):
        norm = _K1 * (1 - _B + _B * length / average)
        score = sum(
            known.weights[term] * count[term] * (_K1 + 1) / (count[term] + norm) for term in wanted & count.keys()
        )
        if score > 0:
            scored.append((section, score))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0].citation))[:limit]


def terms(text: str) -> list[str]:
    """What is compared of a text."""
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if run.isascii():
            found += [_ENDING.sub("", run)] if run not in _STOP else []
            continue
        found += [sign for sign in run if sign not in _STOP]
        pairs = (run[at : at + 2] for at in range(len(run) - 1))
        found += [pair for pair in pairs if not set(pair) & _STOP]
    return found
