"""The index as an artifact: built of all products, brought up to date by those that changed, rebuilt where it is broken.

A version is named by the revision of the catalogue and by what it was made with. Two processes that make the same one
meet at its name: who comes second takes the other's. Knows no query.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from zhanggui.catalog import changes, store
from zhanggui.catalog.ontology import Ontology, build_ontology
from zhanggui.catalog.product import Product
from zhanggui.catalog.search.labels import Labels, read_labels, write_labels
from zhanggui.catalog.search.names import learn_names
from zhanggui.catalog.search.record import record, schema
from zhanggui.catalog.search.vectors import Embedder, write_vectors
from zhanggui.errors import ArtifactError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.storage.artifacts import file_hash

NAME = "search"
_SCHEMA = "2"
_MEMORY = 64_000_000
_KEPT = 2


def made_with(edited_at: datetime | None, embedder: Embedder | None) -> str:
    """What an index depends on besides products, as a short hash: its fields, the edited ontology, who makes vectors."""
    text = f"{_SCHEMA} {edited_at.isoformat() if edited_at else ''} {embedder.name if embedder else ''}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def revision_of(artifact: Artifact) -> int:
    """The revision of the catalogue whose products a version holds."""
    return int(artifact.config["revision"])


def newest(artifacts: ArtifactStore, *, like: str) -> Artifact | None:
    """The version of the latest revision among those that were made with the same."""
    known = [one for one in artifacts.versions(NAME) if one.config.get("made_with") == like]
    return max(known, key=revision_of, default=None)


def check(artifact: Artifact) -> None:
    """Raise ArtifactError where a file of a version is missing or other than it was written."""
    for name, digest in artifact.files.items():
        path = artifact.path / name
        if not path.exists() or file_hash(path) != digest:
            raise ArtifactError(f"{path} is damaged or missing")


def remove_all(artifacts: ArtifactStore) -> None:
    """Remove every version, readable or not."""
    for folder in (artifacts.root / NAME).glob("[!.]*"):
        artifacts.remove(NAME, folder.name)


def build(
    connection: sa.Connection,
    artifacts: ArtifactStore,
    *,
    edited: Ontology | None,
    like: str,
    now: datetime,
    embedder: Embedder | None = None,
) -> Artifact:
    """Make the index of all products, as of the connection's view of them."""
    revision = changes.latest(connection)
    ontology = build_ontology(store.every(connection), edited=edited)
    version, config = f"{revision:010}-{like}", {"revision": revision, "made_with": like}
    with suppress(ArtifactError), artifacts.create(NAME, version, now=now, config=config, data_hash="") as draft:
        words = draft.path / "words"
        words.mkdir()
        labels = Labels(ontology, learn_names(store.every(connection)))
        draft.metrics["products"] = _write(words, store.every(connection), labels)
        write_labels(draft.path, labels)
        if embedder is not None:
            write_vectors(draft.path, store.every(connection), embedder)
    return artifacts.get(NAME, version)


def refresh(
    connection: sa.Connection,
    artifacts: ArtifactStore,
    base: Artifact,
    *,
    like: str,
    now: datetime,
    embedder: Embedder | None = None,
) -> Artifact:
    """The index with what changed since `base`, as of the connection's view; `base` itself where nothing did."""
    revision = changes.latest(connection)
    if revision == revision_of(base):
        return base
    changed = changes.since(connection, revision_of(base))
    products = store.find(connection, changed)
    items = [products[one] for one in changed if one in products and products[one].product_id == one]
    version, config = f"{revision:010}-{like}", {"revision": revision, "made_with": like}
    with suppress(ArtifactError), artifacts.create(NAME, version, now=now, config=config, data_hash="") as draft:
        words = draft.path / "words"
        _link(base.path / "words", words)
        before = read_labels(base.path)
        labels = Labels(build_ontology(items, edited=before.ontology), before.learned)
        draft.metrics["changed"] = _write(words, items, labels, gone=changed)
        write_labels(draft.path, labels)
        if embedder is not None:
            write_vectors(draft.path, items, embedder, base=base.path, gone=changed)
    made = artifacts.get(NAME, version)
    _prune(artifacts, made)
    return made


def _write(folder: Path, products: Iterable[Product], labels: Labels, *, gone: Iterable[str] = ()) -> int:
    """Take records out and put others in; how many products went in."""
    from tantivy import Index

    index = Index(schema(), path=str(folder))
    writer = index.writer(_MEMORY, 1)
    for product_id in gone:
        writer.delete_documents_by_term("id", product_id)
    count = 0
    for product in products:
        writer.add_document(record(product, labels))
        count += 1
    writer.commit()
    writer.wait_merging_threads()
    return count


def _link(base: Path, folder: Path) -> None:
    """The files of an index once more: segments are never rewritten, so that a link will do; what lists them is copied."""
    folder.mkdir()
    for file in base.iterdir():
        target = folder / file.name
        if file.name.endswith((".json", ".lock")):
            shutil.copyfile(file, target)
            continue
        try:
            os.link(file, target)
        except OSError:  # a disk that knows no links
            shutil.copyfile(file, target)


def _prune(artifacts: ArtifactStore, latest: Artifact) -> None:
    """Remove versions before the last few. Who has one open keeps reading it."""
    older = sorted(artifacts.versions(NAME), key=revision_of)[:-_KEPT]
    for one in older:
        if one.version != latest.version:
            artifacts.remove(NAME, one.version)
