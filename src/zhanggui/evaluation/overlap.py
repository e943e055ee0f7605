"""How much of a reference a text says: BLEU (Papineni et al. 2002) and ROUGE (Lin 2004), over any tokens. Pure counting.

Agrees with nltk (smoothing 3 of Chen and Cherry 2014), sacrebleu (exponential smoothing) and rouge-chinese to 1e-6.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.ngrams import Counted, Ints, Tokens, by_text, count, hits, hits_in_others

Array = NDArray[np.float64]


def bleu_statistics(reference: Counted, text: Counted, *, order: int = 4) -> Ints:
    """(n, 2 * order + 2) of n texts: matched n-grams by order, n-grams by order, tokens of the reference, of the text."""
    matched = [
        by_text(mine, hits(wanted, mine), len(text.lengths))
        for wanted, mine in zip(reference.grams[:order], text.grams[:order], strict=True)
    ]
    totals = [text.total(n) for n in range(1, order + 1)]
    return np.stack([*matched, *totals, reference.lengths, text.lengths], axis=1)


def bleu_of_texts(statistics: Ints) -> Array:
    """(n,) BLEU of each text, in [0, 1]; an order without a match counts 1 / (2^k times its n-grams), k = 1, 2, ..."""
    order = statistics.shape[1] // 2 - 1
    each = statistics.copy()
    each[:, order : 2 * order] = np.maximum(1, each[:, order : 2 * order])
    return bleu_of_sums(each)


def bleu_of_sums(statistics: NDArray[np.float64] | Ints) -> Array:
    """(...) BLEU of whole corpora, in [0, 1], from the sums (..., 2 * order + 2) of their texts' statistics."""
    order = statistics.shape[-1] // 2 - 1
    matched = np.asarray(statistics[..., :order], dtype=np.float64)
    totals = np.asarray(statistics[..., order : 2 * order], dtype=np.float64)
    reference, text = statistics[..., -2], np.maximum(1, statistics[..., -1])
    missed = matched == 0
    smoothed = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), matched) / np.maximum(1, totals)
    brevity = np.where(text > reference, 1.0, np.exp(1 - reference / text))
    possible = (matched[..., 0] > 0) & (totals > 0).all(axis=-1)
    return np.where(possible, brevity * np.exp(np.log(smoothed).mean(axis=-1)), 0.0)


def self_bleu_of_texts(text: Counted, *, order: int = 4) -> Array:
    """(n,) BLEU of each text with all the others as references (Zhu et al. 2018), exact: no sampling, no pairs.

    Grows with the number of texts: compare sets of equal size only.
    """
    n = len(text.lengths)
    if n < 2:
        return np.zeros(n)
    matched = [by_text(mine, hits_in_others(mine), n) for mine in text.grams[:order]]
    totals = [text.total(k) for k in range(1, order + 1)]
    return bleu_of_texts(np.stack([*matched, *totals, _closest_other(text.lengths), text.lengths], axis=1))


def rouge_n_of_texts(reference: Counted, text: Counted, n: int) -> Array:
    """(n,) F1 of the sets of n-grams, in [0, 1]."""
    wanted, said = reference.grams[n - 1], text.grams[n - 1]
    rows = len(text.lengths)
    both = np.bincount(said.rows[hits(wanted, said) > 0], minlength=rows)
    return _f1(both, np.bincount(wanted.rows, minlength=rows), np.bincount(said.rows, minlength=rows))


def rouge_l_of_texts(reference: Counted, text: Counted) -> Array:
    """(n,) F1 of the longest common subsequence, in [0, 1]."""
    longest = np.array([_lcs(*both) for both in zip(reference.tokens, text.tokens, strict=True)], dtype=np.int64)
    return _f1(longest, reference.lengths, text.lengths)


def sentence_bleu(reference: Tokens, text: Tokens, *, order: int = 4) -> float:
    """BLEU of one text in [0, 1]."""
    return float(bleu_of_texts(bleu_statistics(*count([reference], [text], order=order), order=order))[0])


def corpus_bleu(references: Sequence[Tokens], texts: Sequence[Tokens], *, order: int = 4) -> float:
    """BLEU of a corpus in [0, 1], counts summed over all texts before dividing."""
    each = bleu_statistics(*count(references, texts, order=order), order=order)
    return float(bleu_of_sums(each.sum(axis=0)))


def self_bleu(texts: Sequence[Tokens], *, order: int = 4) -> float:
    """Mean BLEU of each text with all the others as references: 1 when a model says one thing only."""
    return float(self_bleu_of_texts(*count(texts, order=order), order=order).mean()) if texts else 0.0


def rouge_n(reference: Tokens, text: Tokens, n: int) -> float:
    """F1 of the sets of n-grams of one text and its reference, in [0, 1]."""
    wanted, said = count([reference], [text], order=n)
    return float(rouge_n_of_texts(wanted, said, n)[0])


def rouge_l(reference: Tokens, text: Tokens) -> float:
    """F1 of the longest common subsequence of one text and its reference, in [0, 1]."""
    return float(rouge_l_of_texts(*count([reference], [text], order=1))[0])


def _lcs(wanted: Tokens, said: Tokens) -> int:
    """Length of the longest common subsequence, a row of the table at a time as the bits of one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, token in enumerate(wanted):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(wanted)) - 1
    row = full
    for token in said:
        common = row & places.get(token, 0)
        row = (row + common | row - common) & full
    return len(wanted) - row.bit_count()


def _closest_other(lengths: Ints) -> Ints:
    """(n,) of each text the length of that other text which is closest in length; the shorter one of two."""
    several = {length for length, times in Counter(lengths.tolist()).items() if times > 1}
    known = np.unique(lengths)
    place = np.searchsorted(known, lengths)
    below, above = known[np.maximum(0, place - 1)], known[np.minimum(len(known) - 1, place + 1)]
    shorter = (place > 0) & ((lengths - below <= above - lengths) | (place == len(known) - 1))
    return np.where(np.isin(lengths, list(several)), lengths, np.where(shorter, below, above))


def _f1(both: Ints, wanted: Ints, said: Ints) -> Array:
    # 2 * recall * precision / (recall + precision), with what is common cancelled.
    return np.asarray(2 * both / np.maximum(1, wanted + said))
