"""A small classifier learned from the labels that a corpus brings: TF-IDF of character n-grams, logistic regression.

Learned on the training part, measured on validation. What it says of training texts comes from folds that had not seen
them, so that its confidence there is no memory.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zhanggui.corpus.document import Annotation, Kind, Part
from zhanggui.errors import CorpusError

_RAREST = 6
"""Training texts that a class must have; rarer classes are not learned."""
_FOLDS = 3
SENTIMENTS = {
    "1": "positive", "0": "negative", "-1": "negative", "pos": "positive", "neg": "negative", "neu": "neutral", "positive": "positive", "negative": "negative",
    "neutral": "neutral", "好评": "positive", "差评": "negative", "中评": "neutral", "正面": "positive", "负面": "negative", "中性": "neutral", "好": "positive", "坏": "negative",
}  # fmt: skip
"""Labels that are known to be sentiments, in the words of the annotations."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """One annotation a text, and how the classifier did on the validation part."""

    annotations: list[Annotation]
    measured: dict[str, Any]


def features(texts: Sequence[str], parts: Sequence[Part], *, chinese: bool) -> Any:
    """Sparse texts x character n-grams (one and two characters of Chinese, two to four of English), weighed on training.

    Raises CorpusError without the extra `train`.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ModuleNotFoundError as error:
        raise CorpusError("annotation needs scikit-learn; run: pip install 'zhanggui[train]'") from error
    import numpy as np

    taught = [text for text, part in zip(texts, parts, strict=True) if part == "train"]
    tfidf = TfidfVectorizer(
        analyzer="char" if chinese else "char_wb",
        ngram_range=(1, 2) if chinese else (2, 4),
        min_df=1 if len(taught) < 1_000 else 5,
        max_features=50_000,
        sublinear_tf=True,
        dtype=np.float32,
    )
    return tfidf.fit(taught).transform(texts).tocsr()


def classify(matrix: Any, labels: Sequence[str], parts: Sequence[Part], *, kind: Kind, seed: int) -> Classified | None:
    """Learn `labels` ("" where there is none) from `features`, and say which each text has.

    None when the training part has fewer than two classes of six texts.
    """
    import numpy as np
    import sklearn
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    given, side = np.array(labels, dtype=object), np.array(parts, dtype=object)
    counts = Counter(given[(side == "train") & (given != "")].tolist())
    names = sorted(name for name, count in counts.items() if count >= _RAREST)
    if len(names) < 2:
        return None
    number = {name: place for place, name in enumerate(names)}
    target = np.array([number.get(name, -1) for name in given])
    taught = np.flatnonzero((target >= 0) & (side == "train"))

    def learn(rows: Any) -> Any:
        return LogisticRegression(C=4.0, tol=5e-4, max_iter=150, random_state=seed).fit(matrix[rows], target[rows])

    shares = np.zeros((len(labels), len(names)))
    others = np.setdiff1d(np.arange(len(labels)), taught)
    if len(others):
        shares[others] = learn(taught).predict_proba(matrix[others])
    for seen, held in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(taught, target[taught]):
        shares[taught[held]] = learn(taught[seen]).predict_proba(matrix[taught[held]])
    best = shares.argmax(axis=1)
    by = f"char-ngrams-logistic-regression/scikit-learn {sklearn.__version__}"
    annotations = [
        Annotation(kind=kind, value=names[one], source="classifier", by=by, confidence=round(float(row[one]), 3))
        for one, row in zip(best.tolist(), shares, strict=True)
    ]
    checked = np.flatnonzero((target >= 0) & (side == "validation"))
    return Classified(annotations=annotations, measured=_measure(target[checked], best[checked], shares[checked]))


def _measure(target: Any, said: Any, shares: Any) -> dict[str, Any]:
    """Accuracy, macro F1, the share of the commonest class, and the expected calibration error (Guo 2017, ten bins)."""
    import numpy as np
    from sklearn.metrics import f1_score

    if not len(target):
        return {"texts": 0}
    sure, right = shares.max(axis=1), said == target
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(
        abs(right[bins == one].mean() - sure[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins)
    )
    return {
        "texts": len(target),
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(float(f1_score(target, said, average="macro")), 4),
        "commonest_class": round(float(np.bincount(target).max() / len(target)), 4),
        "calibration_error": round(float(error), 4),
    }
