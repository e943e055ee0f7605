import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.errors import ArtifactError
from zhanggui.storage import ArtifactStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _write(store: ArtifactStore, version: str, *, now: datetime = NOW) -> None:
    with store.create("policy/shop", version, now=now, config={"seed": 1}, data_hash="abc") as draft:
        (draft.path / "state.json").write_text("{}")
        draft.metrics["rows"] = 3


def test_a_version_carries_its_config_data_hash_code_version_and_metrics(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "1")
    found = store.get("policy/shop")
    assert (found.version, found.config, found.data_hash, found.metrics) == ("1", {"seed": 1}, "abc", {"rows": 3})
    assert found.code_version
    assert list(found.files) == ["state.json"]


def test_a_version_is_never_rewritten(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "1")
    with pytest.raises(ArtifactError, match="never rewritten"):
        _write(store, "1")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(OSError, match="disk"), store.create("a", "1", now=NOW, config={}, data_hash="") as draft:
        (draft.path / "half").write_text("x")
        raise OSError("the disk is full")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(ArtifactError, match="there is no a"):
        store.get("a")


def test_latest_is_the_one_created_last(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "b", now=NOW)
    _write(store, "a", now=NOW.replace(day=3))
    assert store.get("policy/shop").version == "a"


@pytest.mark.parametrize("name", ["../x", "a/../b", "", ".hidden", "a//b"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="no name for an artifact"):
        ArtifactStore(tmp_path).get(name, "1")


def test_a_damaged_manifest_is_an_artifact_error(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "1")
    manifest = tmp_path / "policy" / "shop" / "1" / "manifest.json"
    manifest.write_text(json.dumps({"name": "x"})[:-3])
    with pytest.raises(ArtifactError, match="damaged"):
        store.get("policy/shop", "1")


def test_names_are_those_that_have_a_version(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    assert store.names() == []
    _write(store, "1")
    _write(store, "2")
    with store.create("copywriter", "1", now=NOW, config={}, data_hash="") as draft:
        (draft.path / "model").mkdir()
        (draft.path / "model" / "manifest.json").write_text("{}")
    (tmp_path / ".work" / "job" / "1").mkdir(parents=True)
    (tmp_path / ".work" / "job" / "1" / "manifest.json").write_text("{}")
    assert store.names() == ["copywriter", "policy/shop"]


def test_a_removed_version_is_gone_whole_and_removing_it_again_says_so(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "1")
    _write(store, "2")
    assert store.remove("policy/shop", "1")
    assert not store.remove("policy/shop", "1")
    assert [artifact.version for artifact in store.versions("policy/shop")] == ["2"]
    assert [path.name for path in (store.root / "policy" / "shop").iterdir()] == ["2"]


def test_what_a_crash_left_behind_is_swept_once_it_is_old(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    _write(store, "1")
    home = store.root / "policy" / "shop"
    for name in (".2.0a.partial", ".3.0b.removed"):
        (home / name).mkdir()
        (home / name / "policy.json").write_text("{}")
    (home / ".2.0a.partial").touch()
    os.utime(home / ".3.0b.removed", (time.time() - 7200, time.time() - 7200))
    assert store.sweep(older_than=timedelta(hours=1)) == 1
    assert sorted(path.name for path in home.iterdir()) == [".2.0a.partial", "1"]


def test_sweeping_goes_on_while_others_write_and_remove(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    (tmp_path / "profiles").mkdir()

    def come_and_go(number: int) -> None:
        for _ in range(100):
            folder = tmp_path / "profiles" / f"v{number}" / "a" / "b"
            folder.mkdir(parents=True)
            shutil.rmtree(tmp_path / "profiles" / f"v{number}")

    with ThreadPoolExecutor(4) as others:
        busy = [others.submit(come_and_go, number) for number in range(4)]
        while not all(each.done() for each in busy):
            assert store.sweep(older_than=timedelta(days=1)) == 0
    for each in busy:
        each.result()
