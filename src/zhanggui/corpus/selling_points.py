"""Selling points by rule: clauses that praise something, and what they praise. Does not compare them with the facts."""

from collections.abc import Sequence

from zhanggui.corpus.document import Annotation
from zhanggui.corpus.lexicon import Lexicon, lexicon
from zhanggui.corpus.sentiment import score
from zhanggui.corpus.words import Clause

_MOST = 6
_LENGTH = {"zh": (4, 40), "en": (8, 160)}


def selling_points(clauses: Sequence[Clause], language: str) -> list[Annotation]:
    """At most six phrases, in the words of the text, each with its aspect, such as "quality" or "price"."""
    table = lexicon(language)
    shortest, longest = _LENGTH[language]
    found: dict[str, Annotation] = {}
    for clause in clauses:
        if not shortest <= len(clause.text) <= longest:
            continue
        total, count = score(clause, table)
        if total < 0.6:
            continue
        aspect, named = _aspect(clause, table)
        if aspect:
            # Sure when the aspect is named beside the opinion and nothing in the clause speaks against it.
            sure = 0.5 + 0.2 * named + 0.15 * (total >= 1.4) + 0.1 * (total >= count)
            found.setdefault(
                clause.text,
                Annotation(
                    kind="selling_point",
                    value=clause.text,
                    source="rule",
                    by=f"lexicon-{language}/{table.version}",
                    confidence=round(sure, 3),
                    aspect=aspect,
                ),
            )
    return sorted(found.values(), key=lambda one: -one.confidence)[:_MOST]


def _aspect(clause: Clause, table: Lexicon) -> tuple[str, bool]:
    """(the aspect, whether a word of its own names it rather than the opinion alone); an aspect's name goes before."""
    implied = ""
    place = 0
    while place < len(clause.words):
        entry, size = table.longest(clause.words, place, table.aspect)
        if size and entry not in table.polarity:
            return table.aspect[entry], True
        if size and not implied:
            implied = table.aspect[entry]
        place += max(1, size)
    return implied, False
