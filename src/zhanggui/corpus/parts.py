"""The files of a built corpus: one JSON object a line, a file a part. Readers that want only `text` take row["text"]."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from zhanggui.corpus.document import Annotation, Document
from zhanggui.corpus.split import SHARES
from zhanggui.errors import CorpusError

PARTS = tuple(SHARES)
_FIELDS = frozenset(one.name for one in fields(Document))


def write(folder: Path, parts: Mapping[str, Iterable[Document]]) -> None:
    """Write the files of these parts, each whole or not at all; the last one stands for the corpus being there."""
    drafts = {}
    for part, documents in parts.items():
        drafts[part] = folder / f".{part}.jsonl.{os.getpid()}"
        with drafts[part].open("w", encoding="utf-8") as file:
            for one in documents:
                file.write(json.dumps(to_data(one), ensure_ascii=False, separators=(",", ":")) + "\n")
    for part, draft in drafts.items():
        draft.replace(folder / f"{part}.jsonl")


def remove(folder: Path) -> None:
    """Take the files away, so that no text of an earlier corpus stays beside a new data card."""
    for part in reversed(PARTS):
        (folder / f"{part}.jsonl").unlink(missing_ok=True)


def is_there(folder: Path) -> bool:
    """Whether the folder holds a whole corpus."""
    return all((folder / f"{part}.jsonl").exists() for part in PARTS)


def read(folder: Path) -> dict[str, list[Document]]:
    """The documents by part, in the order of the files. Raises CorpusError naming file and line."""
    found: dict[str, list[Document]] = {}
    for part in PARTS:
        path = folder / f"{part}.jsonl"
        try:
            lines = path.read_bytes().split(b"\n")
        except OSError as error:
            raise CorpusError(
                f"it cannot be opened: {error.strerror}", source=str(path), hint="make it with zhanggui corpus build"
            ) from error
        found[part] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found[part].append(from_data(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise CorpusError(
                    "it is no row of a built corpus", source=str(path), line=number, hint=repr(error)
                ) from error
    return found


def to_data(document: Document) -> dict[str, Any]:
    """A document as JSON-able data; what it lacks is left out, except for what every reader may ask for."""
    data = {
        "document_id": document.document_id,
        "text": document.text,
        "group": document.group,
        "label": document.label,
        "source": document.source,
        "language": document.language,
    }
    if document.topic:
        data["topic"] = document.topic
    rest: dict[str, Any] = {}
    if document.attributes:
        rest["attributes"] = document.attributes
    if document.annotations:
        rest["annotations"] = [
            {key: value for key, value in one.__dict__.items() if value != ""} for one in document.annotations
        ]
    return dict(document.kept) | data | rest


def from_data(data: dict[str, Any]) -> Document:
    """The document that `to_data` made the data from. Raises TypeError or KeyError."""
    rest = dict(data)
    attributes = tuple((str(name), str(value)) for name, value in rest.pop("attributes", ()))
    annotations = tuple(Annotation(**one) for one in rest.pop("annotations", ()))
    kept = tuple((name, rest.pop(name)) for name in list(rest) if name not in _FIELDS)
    return Document(**rest, attributes=attributes, annotations=annotations, kept=kept)
