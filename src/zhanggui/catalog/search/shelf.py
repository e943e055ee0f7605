"""The index that a process searches in: opened once, kept up to date with the products, mended where it is broken.

Does not know what is asked. Few changes are taken in before a search; many are left to the worker, and to who has time.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import sqlalchemy as sa

from zhanggui.catalog import changes, store
from zhanggui.catalog.ontology import store as ontology_store
from zhanggui.catalog.search import artifact as search_artifact
from zhanggui.catalog.search.artifact import revision_of
from zhanggui.catalog.search.index import SearchIndex
from zhanggui.catalog.search.vectors import Embedder
from zhanggui.errors import ArtifactError, OntologyError
from zhanggui.storage import Artifact, ArtifactStore

_log = logging.getLogger(__name__)
_BROKEN = (ArtifactError, OntologyError, ValueError, OSError)
"""What an index that is damaged, or is just being removed, may raise."""


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
    at_once: int = 1_000
    """So many changed products are taken in before a search, within a fraction of a second."""
    _opened: _Opened | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def current(self, connection: sa.Connection) -> SearchIndex:
        """The index as of the connection's view of the products, or an older one where very much has changed."""
        opened = self._opened
        if opened is None:
            return self.refresh(connection)
        like = self._made_with(connection)
        is_fresh = opened.made_with == like and revision_of(opened.artifact) >= changes.latest(connection)
        return opened.index if is_fresh or self._missing(connection, like) > self.at_once else self.refresh(connection)

    def refresh(self, connection: sa.Connection) -> SearchIndex:
        """The index with every change taken in that the connection sees."""
        with self._lock:
            try:
                self._opened = self._open(connection)
            except _BROKEN:
                try:
                    self._opened = self._open(connection)  # another process may just have put a newer one in its place
                except _BROKEN as error:
                    _log.warning("the search index is broken and is built anew: %s", error)
                    search_artifact.remove_all(self.artifacts)
                    self._opened = self._open(connection)
            return self._opened.index

    def _open(self, connection: sa.Connection) -> _Opened:
        like, opened = self._made_with(connection), self._opened
        made = search_artifact.newest(self.artifacts, like=like)
        if made is not None and (opened is None or opened.artifact.files != made.files):
            search_artifact.check(made)
        if made is None:
            edited = ontology_store.edited(connection)
            made = search_artifact.build(
                connection, self.artifacts, edited=edited, like=like, now=self.clock(), embedder=self.embedder
            )
        elif revision_of(made) < changes.latest(connection):
            made = search_artifact.refresh(
                connection, self.artifacts, made, like=like, now=self.clock(), embedder=self.embedder
            )
        elif opened is not None and opened.artifact.files == made.files:
            return opened
        return _Opened(artifact=made, made_with=like, index=SearchIndex(made.path, embedder=self.embedder))

    def _made_with(self, connection: sa.Connection) -> str:
        return search_artifact.made_with(ontology_store.edited_at(connection), self.embedder)

    def _missing(self, connection: sa.Connection, like: str) -> int:
        """How many products the newest index of all processes has still to take in."""
        made = search_artifact.newest(self.artifacts, like=like)
        return store.count(connection) if made is None else changes.count_since(connection, revision_of(made))
