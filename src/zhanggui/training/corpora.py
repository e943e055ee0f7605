"""The texts of a training job: a built corpus, or raw files that are built into one first."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from zhanggui.corpus.build import build
from zhanggui.corpus.parts import is_there
from zhanggui.corpus.read import Columns
from zhanggui.errors import TrainingError
from zhanggui.storage.artifacts import file_hash
from zhanggui.training.settings import ColumnSettings


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Two parts of a corpus, and what fixes them."""

    train: list[str]
    validation: list[str]
    hash: str
    """SHA-256 over the files of the corpus."""


def corpus_folder(path: Path, columns: ColumnSettings, *, work: Path) -> Path:
    """The folder of the built corpus: `path` itself, or what is built from the file `path` below `work`, once."""
    if path.is_dir():
        return path
    if not path.exists():
        raise TrainingError(f"there is no {path}; name a file or a folder made by `zhanggui corpus build`")
    key = hashlib.sha256(f"{file_hash(path)} {columns}".encode()).hexdigest()[:12]
    folder = work / f"corpus-{key}"
    if not is_there(folder):
        build([path], Columns(text=columns.text, group=columns.group, label=columns.label), folder)
    return folder


def texts(path: Path, columns: ColumnSettings, *, work: Path) -> Texts:
    """The texts to train and to validate on. Raises TrainingError or CorpusError naming the file."""
    folder = corpus_folder(path, columns, work=work)
    digest = hashlib.sha256()
    parts = {}
    for part in ("train", "validation"):
        file = folder / f"{part}.jsonl"
        try:
            data = file.read_bytes()
        except OSError as error:
            raise TrainingError(f"{file} cannot be opened: {error.strerror}") from error
        digest.update(data)
        try:
            parts[part] = [str(json.loads(line)["text"]) for line in data.split(b"\n") if line.strip()]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{file} is no part of a corpus: {error!r}") from error
        if not parts[part]:
            raise TrainingError(f"{file} holds no text")
    return Texts(train=parts["train"], validation=parts["validation"], hash=digest.hexdigest())
