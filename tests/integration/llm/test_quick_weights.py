from pathlib import Path

import pytest

from zhanggui.llm.local import LocalModel, default_weights
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling
from zhanggui.llm.quick_weights import quick


def test_the_quick_weights_are_made_once_and_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = (
        *("green tea", "Green tea, for the quiet half hour after lunch."),
        *("frozen pizza", "Frozen pizza, for evenings when nobody feels like cooking."),
        *("dish soap", "Dish soap, for the pile of plates that a good dinner leaves behind."),
    )
    goods = ("apples", "running shoes", "wool scarf", "rice cooker", "dog food", "desk lamp", "yoga mat", "olive oil")
    asked = [
        ChatRequest(
            messages=tuple(
                ChatMessage(role="assistant" if number % 2 else "user", content=content)
                for number, content in enumerate((*shown, one))
            )
        )
        for one in goods
    ]
    greedy = Sampling(max_tokens=6, temperature=0.0, seed=1)
    said = {}
    for name, path in (("quick", None), ("plain", default_weights())):
        model = LocalModel(path, slots=1, context=256, threads=1)
        said[name] = [one.texts for one in model.generate(asked, sampling=greedy)]
        assert model.identity.startswith(f"{default_weights().name}@")
    # Rounding tips the scale where two words are about as likely; without the adapter no text is the same.
    assert sum(one == other for one, other in zip(said["quick"], said["plain"], strict=True)) >= 5
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.gguf")}
    assert len(kept) == 2
    assert set(quick(default_weights())) == set(kept)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.gguf")} == kept
    assert len(list((tmp_path / "zhanggui").iterdir())) == 1


def test_without_a_folder_to_keep_them_the_plain_weights_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert quick(default_weights()) == (default_weights(), None)
    assert "stays slower" in caplog.text


def test_damaged_weights_are_left_to_the_error_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    damaged = tmp_path / "damaged.gguf"
    with default_weights().open("rb") as whole:
        damaged.write_bytes(whole.read(20_000_000))
    assert quick(damaged) == (damaged, None)
    assert list((tmp_path / "cache").rglob("*.gguf")) == []
