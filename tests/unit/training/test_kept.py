"""What the base of a job is called, and what that names."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from zhanggui.errors import ArtifactError
from zhanggui.storage import ArtifactStore
from zhanggui.training.kept import weights

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_base_is_an_artifact_or_a_path_below_the_folder_before_it_is_a_name(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    for version in ("1", "2"):
        with store.create("shop/llama", version, now=NOW, config={}, data_hash="") as draft:
            (draft.path / "model").mkdir()
    for name in ("gpt2", "default"):
        (tmp_path / name).mkdir()

    def found(named: str) -> str:
        return weights(named, folder=tmp_path, artifacts=store)

    assert found("shop/llama:1") == str(store.root / "shop" / "llama" / "1" / "model")
    assert found("shop/llama") == str(store.root / "shop" / "llama" / "2" / "model")
    assert found("gpt2") == found(str(tmp_path / "gpt2")) == str(tmp_path / "gpt2")
    assert found("default") == "default"
    assert found("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    with pytest.raises(ArtifactError, match="there is no shop/llama 3"):
        found("shop/llama:3")
