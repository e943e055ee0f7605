"""Understands by a trained encoder: intents and spans from ONNX, values from the ontology. Serves without torch.

A folder is what `zhanggui train understand` keeps: see `zhanggui.llm.encoder`, and `crf.json` beside it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from zhanggui.catalog.ontology import Ontology
from zhanggui.conversation.understand.language import language_of
from zhanggui.conversation.understand.lexicon import aspects_of, words_of
from zhanggui.conversation.understand.normalise import normalised
from zhanggui.conversation.understand.slots import LONGEST
from zhanggui.conversation.understand.tags import Span, allowed, likeliest, spans_of
from zhanggui.conversation.understanding import Understanding, Utterance
from zhanggui.errors import ModelError

if TYPE_CHECKING:
    from zhanggui.llm.encoder import Tagged

CRF = "crf.json"
_FORBIDDEN = -1e4
_TEMPERATURE = 1.5
"""Of the confidence: shares as they were trained are too sure of what is out of scope."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Intents and spans of one text, before their values are known."""

    intents: Mapping[str, float]
    """Those that hold, likeliest first."""
    spans: tuple[Span, ...]
    confidence: float


class EncoderReader:
    """The trained encoder in `folder`, for any intents and slots. Raises ModelError where the folder is damaged."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        import numpy as np

        from zhanggui.llm.encoder import Encoder

        self._encoder = Encoder(folder, threads=threads)
        self._tags = self._encoder.settings.tags
        try:
            crf = json.loads((folder / CRF).read_text(encoding="utf-8"))
            steps, start, end = (np.array(crf[name], dtype=np.float32) for name in ("transitions", "start", "end"))
            first = np.array([tag[:2] != "I-" for tag in self._tags])
            self._steps = np.where(allowed(self._tags), steps, _FORBIDDEN).astype(np.float32)
            self._start, self._end = np.where(first, start, _FORBIDDEN).astype(np.float32), end
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder / CRF} is missing or damaged: {error}; run: zhanggui train understand"
            ) from error

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The reading of each text; at least one intent holds."""
        return [self._reading(text, tagged) for text, tagged in zip(texts, self._encoder.tag(texts), strict=True)]

    def _reading(self, text: str, tagged: "Tagged") -> Reading:
        shares = tagged.probabilities
        order = shares.argsort()[::-1]
        also = self._encoder.settings.threshold
        held = [int(place) for number, place in enumerate(order) if not number or shares[place] >= also]
        calm = shares ** (1 / _TEMPERATURE)
        spans: list[Span] = []
        if len(tagged.tokens) and len(self._tags) > 1:
            tags = likeliest(tagged.scores, self._steps, self._start, self._end)
            spans = spans_of([self._tags[tag] for tag in tags], tagged.tokens, text)
        return Reading(
            intents={self._encoder.labels[place]: float(shares[place]) for place in held},
            spans=tuple(spans),
            confidence=float(calm[held].sum() / calm.sum()),
        )


class EncoderUnderstander:
    """A trained encoder with the words of a shop; `today` says what day "tomorrow" follows."""

    def __init__(
        self, reader: EncoderReader, ontology: Ontology, titles: Iterable[str] = (), *, today: Callable[[], date]
    ) -> None:
        self._reader = reader
        self._words, self._aspects, self._today = words_of(ontology, titles), aspects_of(ontology), today

    def understand(self, utterances: Sequence[Utterance]) -> list[Understanding]:
        """The understanding of each utterance."""
        today = self._today()
        texts = [utterance.text[:LONGEST] for utterance in utterances]
        return [
            Understanding(
                text=utterance.text,
                language=utterance.language or language_of(utterance.text),
                intents=reading.intents,
                slots=normalised(text, reading.spans, self._words, self._aspects, today=today),
                confidence=round(reading.confidence, 3),
            )
            for utterance, text, reading in zip(utterances, texts, self._reader.read(texts), strict=True)
        ]
