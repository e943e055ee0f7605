"""Versioned folders with a manifest: models, policies, indexes, snapshots. A version is written once and never changed.

Written under a temporary name, synced, then renamed: a reader sees a whole version or none.
Does not know what is inside a folder.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from zhanggui.errors import ArtifactError
from zhanggui.storage.code_version import code_version

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One version of something computed: where it lies and how it came to be."""

    name: str
    version: str
    path: Path
    created_at: str
    code_version: str
    """Of the package, with the git commit where it ran from a checkout."""
    config: Mapping[str, Any]
    data_hash: str
    metrics: Mapping[str, Any]
    files: Mapping[str, str]
    """File name -> SHA-256."""


class ArtifactStore:
    """Artifacts below one folder, as `root/name/version/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def create(
        self, name: str, version: str, *, now: datetime, config: Mapping[str, Any], data_hash: str
    ) -> Iterator["Draft"]:
        """Write a new version: fill `draft.path`, set `draft.metrics`; it appears when the block ends.

        Raises ArtifactError when that version is there already; leaves nothing behind when the block raises.
        """
        final = self._folder(name, version)
        if final.exists():
            raise ArtifactError(f"{name} {version} is there already, in {final}; versions are never rewritten")
        draft = Draft(path=final.parent / f".{version}.{uuid.uuid4().hex[:8]}.partial", metrics={})
        draft.path.mkdir(parents=True)
        try:
            yield draft
            files = {
                str(file.relative_to(draft.path)): file_hash(file)
                for file in sorted(draft.path.rglob("*"))
                if file.is_file()
            }
            manifest = {
                "name": name,
                "version": version,
                "created_at": now.isoformat(),
                "code_version": code_version(),
                "config": dict(config),
                "data_hash": data_hash,
                "metrics": draft.metrics,
                "files": files,
            }
            text = json.dumps(manifest, ensure_ascii=False, indent=2, default=str)
            (draft.path / MANIFEST).write_text(text, encoding="utf-8")
            for file in draft.path.rglob("*"):
                if file.is_file():
                    sync(file)
            try:
                draft.path.rename(final)
            except OSError as error:
                raise ArtifactError(f"{name} {version} could not be put in place at {final}: {error}") from error
            sync(final.parent)
        finally:
            shutil.rmtree(draft.path, ignore_errors=True)

    def get(self, name: str, version: str = "latest") -> Artifact:
        """One version; "latest" is the one created last. Raises ArtifactError when there is none."""
        if version == "latest":
            known = self.versions(name)
            if not known:
                raise ArtifactError(f"there is no {name} in {self.root}")
            return known[-1]
        try:
            manifest = json.loads((self._folder(name, version) / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ArtifactError(f"there is no {name} {version} in {self.root}") from error
        except ValueError as error:
            raise ArtifactError(f"the manifest of {name} {version} is damaged: {error}") from error
        return Artifact(path=self._folder(name, version), **manifest)

    def names(self) -> list[str]:
        """Every name that has a version."""
        found = set()
        for folder, inner, files in os.walk(self.root):
            inner[:] = [one for one in inner if not one.startswith(".")]
            if MANIFEST in files:
                inner.clear()  # what lies inside a version is its own affair
                found.add(Path(folder).relative_to(self.root).parent.as_posix())
        return sorted(found)

    def versions(self, name: str) -> list[Artifact]:
        """Every version of `name`, oldest first."""
        folders = [manifest.parent for manifest in (self.root / name).glob(f"*/{MANIFEST}")]
        known = []
        for folder in folders:
            if not folder.name.startswith("."):
                try:
                    known.append(self.get(name, folder.name))
                except ArtifactError:
                    if folder.exists():  # else it was removed while we looked
                        raise
        return sorted(known, key=lambda artifact: (artifact.created_at, artifact.version))

    def remove(self, name: str, version: str) -> bool:
        """Remove a version, whole at once for who looks. False when it is not there any more."""
        folder = self._folder(name, version)
        removed = folder.parent / f".{version}.{uuid.uuid4().hex[:8]}.removed"
        try:
            folder.rename(removed)
        except FileNotFoundError:
            return False
        shutil.rmtree(removed, ignore_errors=True)
        return True

    def sweep(self, *, older_than: timedelta) -> int:
        """Delete what a crash left behind: versions half written or half removed so long ago; how many there were."""
        swept = 0
        for leftover in self._leftovers():
            try:
                age = time.time() - leftover.stat().st_mtime
            except FileNotFoundError:  # somebody else was quicker
                continue
            if age > older_than.total_seconds():
                shutil.rmtree(leftover, ignore_errors=True)
                swept += 1
        return swept

    def _leftovers(self) -> list[Path]:
        leftovers = []
        for folder, inner, _ in os.walk(self.root):  # passes over what others remove meanwhile; `rglob` would raise
            left = [name for name in inner if name.startswith(".") and name.endswith((".partial", ".removed"))]
            leftovers += [Path(folder, name) for name in left]
            inner[:] = [name for name in inner if name not in left]
        return leftovers

    def _folder(self, name: str, version: str) -> Path:
        for part in (*name.split("/"), version):
            if not part or part.startswith(".") or "\\" in part:
                raise ArtifactError(f"{name!r} {version!r} is no name for an artifact")
        return self.root / name / version


@dataclass(kw_only=True)
class Draft:
    """A version being written."""

    path: Path
    metrics: dict[str, Any]


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe(artifact: Artifact) -> dict[str, Any]:
    """The manifest as plain data."""
    return asdict(artifact) | {"path": str(artifact.path)}
