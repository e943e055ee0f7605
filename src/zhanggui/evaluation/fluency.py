"""How a text reads to a reference model: perplexity, through whatever scores its tokens. Loads no model."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.bootstrap import Array, Statistic, ratio

Scorer = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts to [n, 2]: negative log-likelihood in nats of all tokens of each text, and how many tokens it has."""


def perplexity(texts: Sequence[str], scorer: Scorer) -> Statistic:
    """exp of the mean negative log-likelihood a token, over all texts' tokens; lower reads better to that model."""
    scored = scorer(texts)
    each = ratio(scored[:, 0], scored[:, 1])

    def of(sums: Array) -> Array:
        return np.exp(each.of(sums))

    return Statistic(columns=each.columns, of=of, counted=each.counted)
