from datetime import UTC, datetime
from pathlib import Path

import pytest

for package in ("gguf", "huggingface_hub"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

from zhanggui.storage import ArtifactStore  # noqa: E402
from zhanggui.training.licences import stated  # noqa: E402


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: mit\nlanguage: zh\n---\nA model.", "mit"),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"),
        ("---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0"),
        ("---\nlanguage: zh\n---\n", ""),
        ("# A model\nwith no front matter", ""),
        ("---\nlicense: [broken\n---\n", ""),
    ],
)
def test_a_folder_states_its_licence_in_its_card(tmp_path: Path, card: str, found: str) -> None:
    assert stated(str(tmp_path)) == ""
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert stated(str(tmp_path)) == found


@pytest.mark.parametrize("licence", ["", "apache-2.0"])
def test_a_gguf_file_states_its_licence_in_a_key(tmp_path: Path, licence: str) -> None:
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "a.gguf", "llama")
    if licence:
        writer.add_license(licence)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert stated(str(tmp_path / "a.gguf")) == licence


def test_an_artifact_states_what_its_job_was_told_and_its_base_stated(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    config = {"licence": "ours", "base_licence": "mit"}
    with store.create("a", "1", now=datetime(2026, 1, 2, tzinfo=UTC), config=config, data_hash="") as draft:
        (draft.path / "model").mkdir()
    assert stated(str(store.get("a").path / "model")) == "ours; mit"


def test_a_name_of_the_hub_states_none_here() -> None:
    assert stated("google/mt5-small") == ""
