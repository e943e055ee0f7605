"""Keywords by TF-IDF (Sparck Jones 1972) over the corpus's own words and pairs of words. Knows one language at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zhanggui.corpus.document import Annotation
from zhanggui.corpus.words import JOINT
from zhanggui.errors import CorpusError


@dataclass(frozen=True, kw_only=True)
class Terms:
    """TF-IDF of texts: a sparse matrix of texts x terms, each row of length one."""

    matrix: Any
    names: Sequence[str]
    """Of the columns."""


def terms(candidates: Sequence[list[str]], fitted: Sequence[bool]) -> Terms | None:
    """Weigh the candidates of each text; how rare a term is, is learned from the texts that `fitted` marks.

    None when no term stands in two of those texts. Raises CorpusError without the extra `train`.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ModuleNotFoundError as error:
        raise CorpusError("annotation needs scikit-learn; run: pip install 'zhanggui[train]'") from error
    import numpy as np

    learned = [words for words, mine in zip(candidates, fitted, strict=True) if mine]
    tfidf = TfidfVectorizer(
        analyzer=list, min_df=2 if len(learned) < 5_000 else 4, max_df=0.5 if len(learned) > 20 else 1.0, dtype=np.float32, sublinear_tf=True
    )  # fmt: skip
    try:
        tfidf.fit(learned)
    except ValueError:  # an empty vocabulary
        return None
    return Terms(matrix=tfidf.transform(candidates).tocsr(), names=tfidf.get_feature_names_out().tolist())


def keywords(found: Terms, language: str, *, most: int = 5) -> list[list[Annotation]]:
    """For each text its weightiest terms; confidence is the weight, in a text whose weights have length one."""
    import numpy as np
    import sklearn

    by = f"tfidf/scikit-learn {sklearn.__version__}"
    matrix = found.matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    columns, weights = matrix.indices[order].tolist(), matrix.data[order].tolist()
    space = "" if language == "zh" else " "
    result = []
    for start, end in zip(matrix.indptr[:-1].tolist(), matrix.indptr[1:].tolist(), strict=True):
        chosen: list[tuple[str, float]] = []
        said: set[str] = set()
        for place in range(start, min(end, start + 4 * most)):
            words = found.names[columns[place]].split(JOINT)
            if said.isdisjoint(words):
                chosen.append((space.join(words), weights[place]))
                said.update(words)
            if len(chosen) == most:
                break
        result.append(
            [
                Annotation(kind="keyword", value=word, source="rule", by=by, confidence=round(min(1.0, weight), 3))
                for word, weight in chosen
            ]
        )
    return result
