"""What the encoder must beat: TF-IDF with linear SVMs for intents, a linear-chain CRF for slots (python-crfsuite)."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understand.tags import Span, spans_of, tags_of

_TOKEN = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|\d+|\S")


class Svm:
    """TF-IDF of words and of characters, one linear SVM an intent."""

    def __init__(self, rows: Sequence[Labelled]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union
        from sklearn.preprocessing import MultiLabelBinarizer
        from sklearn.svm import LinearSVC

        chinese = rows[0].utterance.language == "zh"
        spans = (1, 3) if chinese else (2, 5)
        self._features = make_union(
            TfidfVectorizer(analyzer="char" if chinese else "char_wb", ngram_range=spans, sublinear_tf=True),
            TfidfVectorizer(
                tokenizer=_TOKEN.findall, token_pattern=None, lowercase=True, ngram_range=(1, 2), sublinear_tf=True
            ),
        )
        matrix = self._features.fit_transform([row.utterance.text for row in rows])
        self._several = any(len(row.intents) > 1 for row in rows)
        if self._several:
            from sklearn.multiclass import OneVsRestClassifier

            self._names = MultiLabelBinarizer().fit([row.intents for row in rows])
            self.labels = [str(name) for name in self._names.classes_]
            self._model: Any = OneVsRestClassifier(LinearSVC(C=1.0))
            self._model.fit(matrix, self._names.transform([row.intents for row in rows]))
        else:
            self._model = LinearSVC(C=1.0).fit(matrix, [row.intents[0] for row in rows])
            self.labels = [str(name) for name in self._model.classes_]

    def scores(self, texts: Sequence[str]) -> "np.ndarray[Any, Any]":
        """[texts, labels] distances from the planes."""
        return np.asarray(self._model.decision_function(self._features.transform(texts)))

    def intents(self, texts: Sequence[str]) -> list[set[str]]:
        """The intents whose plane says yes; the nearest where none does."""
        return [
            {self.labels[place] for place in np.flatnonzero(row > 0)} if self._several and (row > 0).any() else {self.labels[int(row.argmax())]}
            for row in self.scores(texts)
        ]  # fmt: skip


class Crf:
    """A CRF over words and signs with the usual features of the token and its neighbours."""

    def __init__(self, rows: Sequence[Labelled], *, iterations: int = 120) -> None:
        import pycrfsuite

        trainer = pycrfsuite.Trainer(verbose=False)
        for row in rows:
            text = row.utterance.text
            tokens = _tokens(text)
            if tokens:
                spans = [(slot.name, slot.start, slot.end) for slot in row.slots]
                trainer.append(_features(text, tokens), tags_of(tokens, spans))
        trainer.set_params({"c1": 0.05, "c2": 0.05, "max_iterations": iterations, "feature.possible_transitions": True})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.crfsuite"
            trainer.train(str(path))
            self._bytes = path.read_bytes()  # the tagger reads them as long as it lives, and does not hold them
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._bytes)

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        return [
            spans_of(self._tagger.tag(_features(text, tokens)), tokens, text) if (tokens := _tokens(text)) else []
            for text in texts
        ]


def _tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _TOKEN.finditer(text)]


def _features(text: str, tokens: Sequence[tuple[int, int]]) -> list[list[str]]:
    words = [text[start:end].lower() for start, end in tokens]

    def at(place: int) -> str:
        return words[place] if 0 <= place < len(words) else "<>"

    return [
        [
            "bias", f"w={word}", f"p3={word[:3]}", f"s3={word[-3:]}", f"s2={word[-2:]}", f"digit={word.isdigit()}",
            f"w-1={at(place - 1)}", f"w-2={at(place - 2)}", f"w+1={at(place + 1)}", f"w+2={at(place + 2)}",
            f"b-1={at(place - 1)}|{word}", f"b+1={word}|{at(place + 1)}", f"b-2={at(place - 2)}|{at(place - 1)}",
            f"b+2={at(place + 1)}|{at(place + 2)}", f"t={at(place - 1)}|{word}|{at(place + 1)}",
        ]
        for place, word in enumerate(words)
    ]  # fmt: skip
