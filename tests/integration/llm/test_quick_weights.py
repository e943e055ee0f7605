from pathlib import Path

import gguf
import numpy as np
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


def test_no_weight_is_off_by_more_than_eight_bits_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    weights, adapter = quick(default_weights())
    assert adapter is not None
    plain, base, lora = (
        {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
        for file in (default_weights(), weights, adapter)
    )

    def numbers(tensor: gguf.ReaderTensor) -> np.ndarray:
        return gguf.dequantize(tensor.data, tensor.tensor_type)

    assert base.keys() == plain.keys()
    changed = [name for name, one in plain.items() if one.tensor_type == gguf.GGMLQuantizationType.Q4_1]
    assert lora.keys() == {f"{name}.{part}" for name in changed for part in ("lora_a", "lora_b")}
    for name in ("blk.0.attn_q.weight", "blk.7.ffn_up.weight", "blk.29.ffn_down.weight"):
        missing = numbers(lora[f"{name}.lora_b"])
        off = numbers(base[name]) + missing @ numbers(lora[f"{name}.lora_a"]) - numbers(plain[name])
        # Half a step of Q8_0, whose scale and whose ones are rounded to 16 bits.
        assert np.abs(off).max() <= np.abs(missing).max() * (0.5 / 127 + 2 / 2**11)


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
