"""Bytes, not marketing: the database, versioned artifacts, reject files."""

from zhanggui.storage.artifacts import Artifact, ArtifactStore
from zhanggui.storage.database import Database, metadata
from zhanggui.storage.rejects import RejectFile

__all__ = ["Artifact", "ArtifactStore", "Database", "RejectFile", "metadata"]
