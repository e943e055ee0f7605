"""Sentiment and emotion by rule: opinion words with negation, degree and contrast, as VADER (Hutto and Gilbert 2014) does.

Emotions are Ekman's six (1992). A text without a word of the lexicon gets no annotation: the rule cannot tell. Irony, and
comparison with another product, are beyond it.
"""

from collections.abc import Sequence

from zhanggui.corpus.document import Annotation
from zhanggui.corpus.lexicon import Lexicon, lexicon
from zhanggui.corpus.words import Clause

_REACH = 3
"""Words before an opinion within which a negation or a degree counts."""


def score(clause: Clause, lexicon: Lexicon) -> tuple[float, int]:
    """(sum of the opinions in a clause, how many): positive above zero; a denied opinion counts seven tenths, reversed."""
    words, place, total, count = clause.words, 0, 0.0, 0
    while place < len(words):
        entry, size = lexicon.longest(words, place, lexicon.polarity)
        if not size:
            place += 1
            continue
        weight = float(lexicon.polarity[entry])
        before = words[max(0, place - _REACH) : place]
        for word in before:
            weight *= lexicon.degree.get(word, 1.0)
        if sum(word in lexicon.negation or word.endswith("n't") for word in before) % 2:
            weight *= -0.7
        total, count, place = total + weight, count + 1, place + size
    return total, count


def sentiment(clauses: Sequence[Clause], language: str) -> Annotation | None:
    """ "positive", "negative" or "neutral" (opinions that cancel out); None when no opinion word is there."""
    table = lexicon(language)
    total, count, emphasis = 0.0, 0, 1.0
    for clause in clauses:
        if any(word in table.contrast for word in clause.words[:2]):
            emphasis = 1.5  # what comes after "but" is meant
        mine, found = score(clause, table)
        total, count = total + emphasis * mine, count + found
    if not count:
        return None
    value = "neutral" if abs(total) < 0.3 else "positive" if total > 0 else "negative"
    sure = abs(total) / (abs(total) + 1.0)
    return Annotation(
        kind="sentiment",
        value=value,
        source="rule",
        by=f"lexicon-{language}/{table.version}",
        confidence=round(sure if value != "neutral" else 0.5, 3),
    )


def emotion(clauses: Sequence[Clause], language: str) -> Annotation | None:
    """The emotion that most words speak of; confidence is its share of them, one more counted against it."""
    table = lexicon(language)
    counts: dict[str, int] = {}
    for clause in clauses:
        place = 0
        while place < len(clause.words):
            entry, size = table.longest(clause.words, place, table.emotion)
            denied = any(word in table.negation for word in clause.words[max(0, place - 2) : place])
            if size and not denied:
                name = table.emotion[entry]
                counts[name] = counts.get(name, 0) + 1
            place += max(1, size)
    if not counts:
        return None
    value = max(counts, key=lambda name: counts[name])
    sure = counts[value] / (sum(counts.values()) + 1)
    return Annotation(
        kind="emotion", value=value, source="rule", by=f"lexicon-{language}/{table.version}", confidence=round(sure, 3)
    )
