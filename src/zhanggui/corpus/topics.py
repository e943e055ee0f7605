"""Topics found in the texts themselves: non-negative matrix factorisation of TF-IDF (Lee and Seung 1999), seeded.

A topic is named by its five weightiest words; what the words have in common is for people to say.
"""

from collections.abc import Sequence

from zhanggui.corpus.document import Annotation
from zhanggui.corpus.keywords import Terms
from zhanggui.corpus.words import JOINT

_MOST_TERMS = 5_000
_FITTED = 20_000


def topics(found: Terms, fitted: Sequence[bool], *, count: int, seed: int) -> list[Annotation | None]:
    """The strongest topic of each text; confidence is its share of all. None where no word of any topic is there.

    Learned from the texts that `fitted` marks (20,000 of them at most, drawn by the seed).
    """
    import numpy as np
    import sklearn
    from sklearn.decomposition import NMF

    single = np.array([JOINT not in name for name in found.names])
    spread = np.asarray(found.matrix.getnnz(axis=0))
    columns = np.flatnonzero(single)
    columns = np.sort(columns[np.argsort(-spread[columns], kind="stable")[:_MOST_TERMS]])
    matrix = found.matrix[:, columns]
    count = min(count, len(columns), int(np.sum(fitted)))
    if count < 2:
        return [None] * matrix.shape[0]
    places = np.flatnonzero(np.array(fitted))
    if len(places) > _FITTED:
        places = np.sort(np.random.default_rng(seed).choice(places, _FITTED, replace=False))
    # A start from singular vectors is better, but a few texts may not have as many as there are topics.
    model = NMF(
        n_components=count, init="nndsvda" if len(places) > 200 else "random", random_state=seed, max_iter=150, tol=1e-3
    )
    with sklearn.config_context(assume_finite=True):
        _fit(model, matrix[places])
        weights = model.transform(matrix)
    names = [
        " ".join(found.names[columns[place]] for place in np.argsort(-topic, kind="stable")[:5])
        for topic in model.components_
    ]
    best = weights.argmax(axis=1)
    total = weights.sum(axis=1)
    by = f"nmf-{count}/scikit-learn {sklearn.__version__}"
    return [
        Annotation(
            kind="topic", value=names[one], source="rule", by=by, confidence=round(float(weights[place, one] / total[place]), 3)
        )
        if total[place] > 1e-6
        else None
        for place, one in enumerate(best.tolist())
    ]  # fmt: skip


def _fit(model: object, matrix: object) -> None:
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # topics are good enough long before the last digits
        model.fit(matrix)  # type: ignore[attr-defined]
