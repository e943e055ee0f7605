"""Classification, tags and embeddings by an ONNX encoder, on onnxruntime and `tokenizers` alone. Knows no marketing.

A folder holds `model.onnx` (in: `input_ids` and `attention_mask`, int64 [batch, tokens]), `tokenizer.json` and
`encoder.json`; `zhanggui.training.export_onnx` writes such folders.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zhanggui.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SETTINGS = "encoder.json"
_EXPORT = "`zhanggui model export NAME --to onnx` makes such folders"
_STRANGERS = f"as if {SETTINGS}, tokenizer.json and model.onnx did not belong together"
_INSTALL = "run: pip install 'zhanggui[encoder]'"


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """What `encoder.json` says."""

    task: Literal["classify", "embed", "tag"]
    """What `model.onnx` puts out: logits [batch, labels]; vectors of length one [batch, size]; or for "tag" logits and, as
    a second output, a score of each tag for each token [batch, tokens, tags].
    """
    size: int
    """Columns of the output: labels, or the length of a vector."""
    max_tokens: int
    """Longer texts are cut."""
    pad_id: int = 0
    """What short texts are filled up with; the attention mask hides it."""
    labels: tuple[str, ...] = ()
    """Of a classifier, in the order of its logits."""
    several: bool = False
    """Whether a classifier's text may have several labels instead of exactly one: each then has its own sigmoid."""
    threshold: float = 1.0
    """Of a tagger, whose labels share their probability: the share from which a label beside the likeliest holds."""
    precision: str = "fp32"
    """"fp32" or "int8"."""
    tags: tuple[str, ...] = ()
    """Of a tagger, in the order of its scores."""


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What a tagger says of one text."""

    probabilities: "NDArray[np.float32]"
    """Of each label; they sum to one."""
    scores: "NDArray[np.float32]"
    """[tokens, tags], without the tokens that mark where a text begins and ends."""
    tokens: tuple[tuple[int, int], ...]
    """Each token as characters [start, end) of the text."""


class Encoder:
    """An encoder served from a folder; it may be shared between threads.

    `threads` of onnxruntime (all cores when None); texts are computed `batch` at a time, alike ones in length together.
    Raises ModelError when the folder is incomplete or damaged.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None, batch: int = 32) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise ModelError(f"{error.name} is not installed; {_INSTALL}") from error
        self.folder, self._batch = Path(folder), batch
        self.settings = _settings(self.folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _cores()
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(
                str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise ModelError(f"the encoder in {self.folder} cannot be loaded: {error}") from error
        _check_task(self._session, self.settings, self.folder)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.settings.max_tokens)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of a classifier, in the order of the columns of `probabilities`; none for embeddings."""
        return self.settings.labels

    def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The likeliest label of each text and its probability. Raises ModelError."""
        found = self.probabilities(texts)
        return [(self.labels[number], float(row[number])) for row, number in zip(found, found.argmax(1), strict=True)]

    def probabilities(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Float32 [texts, labels]: each row sums to one, unless a text may have several labels. Raises ModelError."""

        if self.settings.task != "classify":
            raise ModelError(
                f"the encoder in {self.folder} is made to {self.settings.task} and has no labels to choose from"
            )
        return self._shares(self._run(texts))

    def tag(self, texts: Sequence[str]) -> list[Tagged]:
        """The labels' probabilities of each text and the tags' scores of each of its tokens. Raises ModelError."""
        if self.settings.task != "tag":
            raise ModelError(f"the encoder in {self.folder} is made to {self.settings.task}; it has no tags")
        read = self._tokenizer.encode_batch(list(texts))
        tagged: dict[int, Tagged] = {}
        for rows, (logits, scores) in self._batches(read):
            for place, row in enumerate(rows):
                inner = [token for token, special in enumerate(read[row].special_tokens_mask) if not special]
                tagged[row] = Tagged(
                    probabilities=_softmax(logits[place : place + 1])[0],
                    scores=scores[place, inner],
                    tokens=tuple(read[row].offsets[token] for token in inner),
                )
        return [tagged[row] for row in range(len(read))]

    def _shares(self, logits: "NDArray[np.float32]") -> "NDArray[np.float32]":
        import numpy as np

        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32) if self.settings.several else _softmax(logits)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Float32 [texts, size], every row of length one, so that a dot product is a cosine. Raises ModelError."""
        if self.settings.task != "embed":
            raise ModelError(f"the encoder in {self.folder} is made to {self.settings.task}; it makes no embeddings")
        return self._run(texts)

    def _run(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        read = self._tokenizer.encode_batch(list(texts))
        out = np.empty((len(read), self.settings.size), dtype=np.float32)
        for rows, (vectors, *_) in self._batches(read):
            out[rows] = vectors
        return out

    def _batches(self, read: Sequence[Any]) -> "Iterator[tuple[list[int], list[NDArray[np.float32]]]]":
        """(places of texts of alike length, the outputs for them)."""
        import numpy as np

        order = sorted(range(len(read)), key=lambda row: len(read[row].ids))
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            shape = len(rows), max(1, len(read[rows[-1]].ids))
            ids = np.full(shape, self.settings.pad_id, dtype=np.int64)
            mask = np.zeros(shape, dtype=np.int64)
            for number, row in enumerate(rows):
                ids[number, : len(read[row].ids)] = read[row].ids
                mask[number, : len(read[row].ids)] = 1
            try:
                outputs = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            except Exception as error:  # onnxruntime's own
                raise ModelError(f"the encoder in {self.folder} failed, {_STRANGERS}: {error}") from error
            if outputs[0].shape != (len(rows), self.settings.size):
                raise ModelError(f"the encoder in {self.folder} put out {outputs[0].shape}, {_STRANGERS}")
            yield rows, outputs


def _softmax(logits: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True), dtype=np.float32)


def _check_task(session: Any, settings: EncoderSettings, folder: Path) -> None:
    """Raise ModelError where the ONNX file takes or puts out something else than an encoder of these settings."""
    inputs = [one.name for one in session.get_inputs()]
    shape, *others = (output.shape for output in session.get_outputs())
    fits = len(shape) == 2 and (shape[1] == settings.size or not isinstance(shape[1], int))
    tags = others[0][-1] if others and others[0] else 0
    fits &= settings.task != "tag" or tags == len(settings.tags) or isinstance(tags, str)
    if sorted(inputs) != ["attention_mask", "input_ids"] or not fits:
        found = f"takes {', '.join(inputs)} and puts out [{', '.join(map(str, shape))}]"
        raise ModelError(
            f"{folder / 'model.onnx'} is made for another task: it {found}, where {SETTINGS} promises a file that takes "
            f"input_ids, attention_mask and puts out [batch, {settings.size}]; {_EXPORT}"
        )


def _settings(folder: Path) -> EncoderSettings:
    path = folder / SETTINGS
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = EncoderSettings(**told | {name: tuple(told.get(name, ())) for name in ("labels", "tags")})
    except OSError as error:
        raise ModelError(f"{path} cannot be opened: {error.strerror}; {_EXPORT}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    if found.task not in ("classify", "embed", "tag"):
        raise ModelError(f"{path}: its task is {found.task!r}; an encoder can classify, tag or embed; {_EXPORT}")
    if found.task != "embed" and len(found.labels) != found.size:
        raise ModelError(f"{path}: it has {len(found.labels)} labels for {found.size} columns; {_EXPORT}")
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
