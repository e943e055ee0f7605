"""Classification and embeddings by an ONNX encoder, on onnxruntime and `tokenizers` alone. Knows no marketing.

A folder holds `model.onnx` (in: `input_ids` and `attention_mask`, int64 [batch, tokens]), `tokenizer.json` and
`encoder.json`; `zhanggui.training.export_onnx` writes such folders.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zhanggui.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SETTINGS = "encoder.json"
_EXPORT = "`zhanggui model export NAME --to onnx` makes such folders"
_INSTALL = "run: pip install 'zhanggui[encoder]'"


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """What `encoder.json` says."""

    task: Literal["classify", "embed"]
    """What `model.onnx` puts out: logits [batch, labels], or vectors of length one [batch, size]."""
    size: int
    """Columns of the output: labels, or the length of a vector."""
    max_tokens: int
    """Longer texts are cut."""
    pad_id: int = 0
    """What short texts are filled up with; the attention mask hides it."""
    labels: tuple[str, ...] = ()
    """Of a classifier, in the order of its logits."""
    several: bool = False
    """Whether a text may have several labels (each its own sigmoid) instead of exactly one (softmax)."""
    precision: str = "fp32"
    """"fp32" or "int8"."""


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
        import numpy as np

        if self.settings.task != "classify":
            raise ModelError(f"the encoder in {self.folder} makes embeddings; it has no labels")
        logits = self._run(texts)
        if self.settings.several:
            return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(shares / shares.sum(1, keepdims=True), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Float32 [texts, size], every row of length one, so that a dot product is a cosine. Raises ModelError."""
        if self.settings.task != "embed":
            raise ModelError(f"the encoder in {self.folder} is a classifier; it makes no embeddings")
        return self._run(texts)

    def _run(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        read = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(read)), key=lambda row: len(read[row].ids))
        out = np.empty((len(read), self.settings.size), dtype=np.float32)
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            shape = len(rows), max(1, len(read[rows[-1]].ids))
            ids = np.full(shape, self.settings.pad_id, dtype=np.int64)
            mask = np.zeros(shape, dtype=np.int64)
            for number, row in enumerate(rows):
                ids[number, : len(read[row].ids)] = read[row].ids
                mask[number, : len(read[row].ids)] = 1
            try:
                out[rows] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            except Exception as error:  # onnxruntime's own; or another shape than the settings say
                raise ModelError(
                    f"the encoder in {self.folder} failed, as if {SETTINGS}, tokenizer.json and model.onnx did not belong "
                    f"together: {error}"
                ) from error
        return out


def _check_task(session: Any, settings: EncoderSettings, folder: Path) -> None:
    """Raise ModelError where the ONNX file takes or puts out something else than an encoder of these settings."""
    inputs = [one.name for one in session.get_inputs()]
    shape = session.get_outputs()[0].shape
    fits = len(shape) == 2 and (shape[1] == settings.size or not isinstance(shape[1], int))
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
        found = EncoderSettings(**told | {"labels": tuple(told.get("labels", ()))})
    except OSError as error:
        raise ModelError(f"{path} cannot be opened: {error.strerror}; {_EXPORT}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    if found.task not in ("classify", "embed"):
        raise ModelError(f"{path}: its task is {found.task!r}; an encoder can classify or embed; {_EXPORT}")
    if found.task == "classify" and len(found.labels) != found.size:
        raise ModelError(f"{path}: it has {len(found.labels)} labels for {found.size} columns; {_EXPORT}")
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
