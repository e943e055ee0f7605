"""The index that a process searches in: opened once, kept up to date with the products, mended where it is broken.

Does not know what is asked. Few changes are taken in before a search; many are left to the worker, and to who has time.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import sqlalchemy as sa

from zhanggui.catalog import changes
from zhanggui.catalog.ontology import store as ontology_store
from zhanggui.catalog.search import artifact as search_artifact
from zhanggui.catalog.search.index import SearchIndex
from zhanggui.catalog.search.vectors import Embedder
from zhanggui.errors import ArtifactError, OntologyError
from zhanggui.storage import Artifact, ArtifactStore

_log = logging.getLogger(__name__)
_AT_ONCE = 1_000
"""So many changed products are taken in before a search; that takes a fraction of a second."""


@dataclass(frozen=True)
class _Opened:
    artifact: Artifact
    made_with: str
    index: SearchIndex


@dataclass
class SearchShelf:
    """Gives out the index of a shop. Safe to share between threads, and beside other processes."""

    artifacts: ArtifactStore
    clock: Callable[[], datetime]
    embedder: Embedder | None = None
    """The second stage, if there is one."""
    _opened: _Opened | None = None
    _lock: Lock = field(default_factory=Lock)

    def current(self, connection: sa.Connection) -> SearchIndex:
        """The index as of the connection's view of the products, or of just before where very many have changed."""
        like = search_artifact.made_with(ontology_store.edited_at(connection), self.embedder)
        opened = self._opened
        if opened is not None and opened.made_with == like:
            behind = changes.latest(connection) > search_artifact.revision_of(opened.artifact)
            if not behind:
                return opened.index
            if changes.count_since(connection, search_artifact.revision_of(opened.artifact)) > _AT_ONCE:
                return opened.index
        return self.refresh(connection)

    def refresh(self, connection: sa.Connection) -> SearchIndex:
        """The index with every change taken in that the connection sees."""
        with self._lock:
            like = search_artifact.made_with(ontology_store.edited_at(connection), self.embedder)
            try:
                self._opened = self._open(connection, like, mend=False)
            except (ArtifactError, OntologyError, ValueError, OSError) as error:
                _log.warning("the search index is broken and is built anew: %s", error)
                self._opened = self._open(connection, like, mend=True)
            return self._opened.index

    def _open(self, connection: sa.Connection, like: str, *, mend: bool) -> _Opened:
        edited = ontology_store.edited(connection)
        if mend:
            search_artifact.remove_all(self.artifacts)
        base = search_artifact.newest(self.artifacts, like=like)
        opened = self._opened
        if base is None:
            made = search_artifact.build(
                connection, self.artifacts, edited=edited, like=like, now=self.clock(), embedder=self.embedder
            )
        elif search_artifact.revision_of(base) >= changes.latest(connection):
            made = base
        else:
            search_artifact.check(base)
            made = search_artifact.refresh(
                connection, self.artifacts, base, like=like, now=self.clock(), embedder=self.embedder
            )
        if opened is not None and opened.artifact.version == made.version and opened.made_with == like:
            return opened
        search_artifact.check(made)
        return _Opened(artifact=made, made_with=like, index=SearchIndex(made.path, embedder=self.embedder))
