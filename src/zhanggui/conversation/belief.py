"""The belief rule: which products the customer may mean, which aspect to ask about, and when to show products.

Pure arrays, many conversations at once: E conversations, N products, V values, A aspects. Knows no product, sentence
or shop; an answer may be wrong, so that nothing but a refused product is ever ruled out.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Belief = NDArray[np.float64]
"""(E, N) probabilities: each row sums to 1."""
Holds = Any
"""(N, V) true where the product has the value: a boolean array, or a sparse array of scipy."""

DOUBT = 0.1
"""What is left of a product's probability for each answer that speaks against it."""
SHOWN = 10
"""How many products are shown at once."""
ENOUGH = 0.3
"""The probability that the products to be shown must hold together."""
WRONG = (0.005, 0.1, 0.25)
"""Shares of answers that are wrong; each is as likely as the others before the first answer."""
OTHERWISE = 0.15
"""The chance that the customer says yes to a value that the product they would take does not have."""
LAST = 3
"""In so many turns before the customer's patience ends, products are shown and nothing is asked any more."""


def believe(
    scores: NDArray[np.float64],
    holds: Holds,
    *,
    accepted: NDArray[np.bool_],
    rejected: NDArray[np.bool_],
    refused: NDArray[np.bool_],
) -> Belief:
    """Weigh every product by the answers so far, whose order does not matter.

    `scores` (E, N): logarithms of an item model's probabilities, up to a constant; zeros where there is none.
    `accepted`, `rejected` (E, V): values that the customer wants, does not want. A product is left a tenth for each
    accepted value that it lacks, and for each rejected one that it has. `refused` (E, N): products shown in vain, which
    are out; where every product was refused, all are open again.
    """
    wanted = accepted.sum(axis=1, keepdims=True)
    against = wanted - values_held(holds, accepted) + values_held(holds, rejected)
    still_open = ~refused | refused.all(axis=1, keepdims=True)
    logarithms = np.where(still_open, scores + against * np.log(DOUBT), -np.inf)
    weights = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def believe_in_doubt(
    scores: NDArray[np.float64],
    holds: Holds,
    *,
    accepted: NDArray[np.bool_],
    rejected: NDArray[np.bool_],
    refused: NDArray[np.bool_],
) -> tuple[Belief, NDArray[np.float64]]:
    """Weigh every product as `believe` does, without knowing what an answer is worth; returns the share of wrong ones, too.

    Bayes' rule over products and WRONG together: the more the answers contradict each other whatever the product, the
    less each counts. The second array (E,) is the share of wrong answers to be expected.
    """
    still_open = ~refused | refused.all(axis=1, keepdims=True)
    open_scores = np.where(still_open, scores, -np.inf)
    yes_with, no_with = (values_held(holds, marked).astype(scores.dtype) for marked in (accepted, rejected))
    said_yes, said_no = (marked.sum(axis=1, keepdims=True).astype(scores.dtype) for marked in (accepted, rejected))
    weights = []
    for wrong in WRONG:  # an answer speaks for or against a product, and is what it is where the product says nothing
        yes = (1 - wrong) * OTHERWISE + wrong * (1 - OTHERWISE)
        more, less = math.log((1 - wrong) / yes), math.log(wrong / (1 - yes))
        whatever = said_yes * math.log(yes) + said_no * math.log(1 - yes)
        weights.append(open_scores + more * yes_with + less * no_with + whatever)
    highest = np.max([each.max(axis=1, keepdims=True) for each in weights], axis=0)
    weights = [np.exp(each - highest) for each in weights]
    total = np.sum([each.sum(axis=1, keepdims=True) for each in weights], axis=0)
    shares = np.column_stack([(each.sum(axis=1, keepdims=True) / total)[:, 0] for each in weights])
    belief = (weights[0] + weights[1] + weights[2]) / total
    return belief.astype(np.float64), np.asarray(shares @ np.array(WRONG))


def values_held(holds: Holds, marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many of the marked values (E, V) each product has: (E, N). Few are marked: a sparse product is ten times quicker."""
    if isinstance(holds, np.ndarray):
        return marked.astype(np.float64) @ holds.T
    from scipy import sparse

    return np.asarray((sparse.csr_array(marked.astype(np.float64)) @ holds.T).toarray())


def value_entropies(belief: Belief, holds: Holds) -> NDArray[np.float64]:
    """Bits that a yes or no to each value would tell: (E, V)."""
    yes = np.clip(belief @ holds, 0.0, 1.0)
    return _bits(yes) + _bits(1.0 - yes)


def aspect_entropies(belief: Belief, holds: NDArray[np.bool_], aspects: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits that the answer to a question about each aspect would tell: (E, A).

    `aspects` (V,): the aspect that each value belongs to, 0 to A - 1. A product with two values of an aspect counts half
    for each; products without a value of it answer together.
    """
    of_aspect = (aspects[:, None] == np.arange(aspects.max(initial=-1) + 1)).astype(np.float64)
    values_held = holds.astype(np.float64) @ of_aspect
    shares = holds / np.maximum(values_held @ of_aspect.T, 1.0)
    by_value = belief @ shares
    without = np.clip(1.0 - by_value @ of_aspect, 0.0, 1.0)
    return np.asarray(_bits(by_value) @ of_aspect + _bits(without))


def likeliest(belief: Belief, count: int = SHOWN) -> NDArray[np.int64]:
    """Order the `count` most probable products, most probable first: (E, count) indices; a tie goes to the lower one."""
    if count >= belief.shape[1]:
        return np.argsort(-belief, axis=1, kind="stable")
    best = np.sort(np.argpartition(-belief, count - 1, axis=1)[:, :count], axis=1)
    least = np.take_along_axis(belief, best, axis=1).min(axis=1, keepdims=True)
    tied = (belief >= least).sum(axis=1) > count  # of equals, the partition took any
    above, equal = belief[tied] > least[tied], belief[tied] == least[tied]
    first = equal & (equal.cumsum(axis=1) <= count - above.sum(axis=1, keepdims=True))
    best[tied] = np.nonzero(above | first)[1].reshape(-1, count)
    order = np.argsort(-np.take_along_axis(belief, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def time_to_recommend(belief: Belief, turns_left: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for which conversations products should be shown now: (E,).

    The likeliest ten hold enough of the belief, or the customer's patience, `turns_left` (E,) with this one, allows for
    no further question.
    """
    top = np.take_along_axis(belief, likeliest(belief), axis=1).sum(axis=1)
    return np.asarray((top >= ENOUGH) | (turns_left <= LAST))


def _bits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """-p log2 p, 0 where p is 0."""
    return -probabilities * np.log2(np.where(probabilities > 0, probabilities, 1.0))
