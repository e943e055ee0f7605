"""The texts of a training job: a built corpus, or raw files that are built into one first."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhanggui.corpus.build import build
from zhanggui.corpus.document import Part
from zhanggui.corpus.parts import PARTS, is_there
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


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Texts with their classes, in three parts."""

    parts: dict[Part, list[tuple[str, str]]]
    """(text, label) of train, validation and test."""
    unlabelled: int
    """Texts left out because they have no label."""
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
    train, validation = (
        [text for text, _ in _rows(folder / f"{part}.jsonl", digest)] for part in ("train", "validation")
    )
    return Texts(train=train, validation=validation, hash=digest.hexdigest())


def labelled(path: Path, columns: ColumnSettings, *, work: Path) -> Labelled:
    """The texts that have a label. Raises TrainingError or CorpusError naming the file."""
    if path.is_file() and not columns.label:
        raise TrainingError(f"which column of {path} is the label? Name it: [columns] label")
    folder = corpus_folder(path, columns, work=work)
    digest = hashlib.sha256()
    parts: dict[Part, list[tuple[str, str]]] = {}
    unlabelled = 0
    for part in PARTS:
        file = folder / f"{part}.jsonl"
        rows = _rows(file, digest)
        field = columns.label if columns.label in rows[0][1] else "label"
        found = [(text, str(row[field])) for text, row in rows if row.get(field) not in (None, "")]
        unlabelled += len(rows) - len(found)
        if not found:
            raise TrainingError(f"no text in {file} has a {field!r}; build the corpus with --label COLUMN")
        parts[part] = found
    classes = {part: {label for _, label in found} for part, found in parts.items()}
    if len(classes["train"]) < 2:
        raise TrainingError(f"every text in {folder}/train.jsonl is of one class, {classes['train'].pop()!r}")
    if strange := sorted((classes["validation"] | classes["test"]) - classes["train"]):
        raise TrainingError(
            f"{folder}: no training text is of the class {strange[0]!r}, which others are of; "
            "give it more texts, or take it out"
        )
    return Labelled(parts=parts, unlabelled=unlabelled, hash=digest.hexdigest())


def _rows(file: Path, digest: Any) -> list[tuple[str, dict[str, Any]]]:
    """(text, its whole row) of a part of a corpus."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise TrainingError(f"{file} cannot be opened: {error.strerror}") from error
    digest.update(data)
    try:
        rows = [json.loads(line) for line in data.split(b"\n") if line.strip()]
        found = [(str(row["text"]), row) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{file} is no part of a corpus: {error!r}") from error
    if not found:
        raise TrainingError(f"{file} holds no text")
    return found
