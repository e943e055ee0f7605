from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.profiles.prune import prune
from zhanggui.profiles.snapshot import NAME
from zhanggui.storage import ArtifactStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """Snapshots as of five days, named by the day, built in that order; the one as of the 28th was built first."""
    store = ArtifactStore(tmp_path)
    for number, day in enumerate((28, 1, 2, 3, 4)):
        as_of = datetime(2026, 2, day, tzinfo=UTC)
        config = {"as_of": as_of.isoformat(), "position": 0}
        with store.create(NAME, f"v{day}", now=NOW + timedelta(hours=number), config=config, data_hash="") as draft:
            draft.metrics.update(rows=0)
    return store


def versions(store: ArtifactStore) -> set[str]:
    return {artifact.version for artifact in store.versions(NAME)}


def test_the_last_the_one_in_use_and_those_of_runs_are_kept(artifacts: ArtifactStore) -> None:
    assert sorted(prune(artifacts, now=NOW, keep=2, named={"v1"})) == ["v2"]
    assert versions(artifacts) == {"v28", "v1", "v3", "v4"}
    assert prune(artifacts, now=NOW, keep=2, named={"v1"}) == []


def test_the_one_in_use_is_that_of_now(artifacts: ArtifactStore) -> None:
    prune(artifacts, now=NOW - timedelta(days=20), keep=0, named=())
    assert versions(artifacts) == {"v4"}


def test_more_are_kept_than_there_are(artifacts: ArtifactStore) -> None:
    assert prune(artifacts, now=NOW, keep=6, named=()) == []
    assert len(versions(artifacts)) == 5
