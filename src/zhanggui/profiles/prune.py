"""Removes snapshots that nobody needs any more. Does not know what a run is."""

from collections.abc import Collection
from datetime import datetime, timedelta

from zhanggui.profiles.snapshot import NAME, latest
from zhanggui.storage import ArtifactStore

_LEFT_BEHIND = timedelta(days=1)


def prune(artifacts: ArtifactStore, *, now: datetime, keep: int, named: Collection[str]) -> list[str]:
    """Remove all snapshots but the `keep` built last, the one in use, and those `named`; the versions that are gone.

    What a crash left behind of any artifact goes too, once it is a day old. Two may do this at once.
    """
    artifacts.sweep(older_than=_LEFT_BEHIND)
    versions = [artifact.version for artifact in artifacts.versions(NAME)]
    in_use = latest(artifacts, by=now)
    needed = {*named, *versions[max(0, len(versions) - keep) :], *([in_use.version] if in_use else [])}
    return [version for version in versions if version not in needed and artifacts.remove(NAME, version)]
