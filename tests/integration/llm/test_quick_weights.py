from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import gguf
import numpy as np
import pytest

from zhanggui.errors import ModelError
from zhanggui.llm.local import LocalModel, default_weights
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling
from zhanggui.llm.quick_weights import quick


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where quick weights rest; empty before the first test."""
    return tmp_path_factory.mktemp("cache")


def test_the_quick_weights_are_made_once_and_say_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
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
    kept = {file: file.stat().st_mtime_ns for file in cache.rglob("*.gguf")}
    assert len(kept) == 2
    assert set(quick(default_weights())) == set(kept)
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.gguf")} == kept
    assert len(list((cache / "zhanggui").iterdir())) == 1


def numbers(file: Path, weights: Iterable[str]) -> dict[str, np.ndarray]:
    """These weights (rows, columns), of an adapter what it adds to each, as far as the file has them."""
    read = {one.name: one for one in gguf.GGUFReader(file).tensors}

    def matrix(name: str) -> np.ndarray:
        return gguf.dequantize(read[name].data, read[name].tensor_type)

    return {
        name: matrix(name) if name in read else matrix(f"{name}.lora_b") @ matrix(f"{name}.lora_a")
        for name in weights
        if {name, f"{name}.lora_b"} & read.keys()
    }


def written(file: Path, pairs: dict[str, tuple[int, int]], *, arch: str = "llama", alpha: float = 8.0) -> Path:
    """An adapter of rank 4 for weights of these shapes (rows, columns)."""
    writer = gguf.GGUFWriter(file, arch)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    drawn = np.random.default_rng(1)
    for name, (rows, columns) in pairs.items():
        writer.add_tensor(f"{name}.lora_a", drawn.normal(0, 0.1, (4, columns)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", drawn.normal(0, 0.1, (rows, 4)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


FUSED = {
    "blk.0.attn_qkv.weight": ("blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"),
    "blk.7.ffn_up.weight": ("blk.7.ffn_gate.weight", "blk.7.ffn_up.weight"),
    "blk.29.ffn_down.weight": ("blk.29.ffn_down.weight",),
}


def test_no_weight_is_off_by_more_than_eight_bits_round(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    weights, adapter = quick(default_weights())
    assert adapter is not None
    plain = numbers(default_weights(), chain(*FUSED.values()))
    base, difference = numbers(weights, FUSED), numbers(adapter, FUSED)
    assert len(gguf.GGUFReader(adapter).tensors) == 2 * 30 * 4
    for whole, parts in FUSED.items():
        off = base[whole] + difference[whole] - np.concatenate([plain[part] for part in parts])
        # Half a step of Q8_0, whose scale and whose ones are rounded to 16 bits.
        assert np.abs(off).max() <= np.abs(difference[whole]).max() * (0.5 / 127 + 2 / 2**11)


@pytest.mark.parametrize("alpha", [8.0, 0.0])
def test_an_adapter_is_joined_with_the_difference_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, alpha: float
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    shapes = {one.name: tuple(one.shape)[::-1] for one in gguf.GGUFReader(default_weights()).tensors}
    # Queries and values without keys, as libraries do by default; of gate and up one; a weight that is not fused.
    names = ("blk.0.attn_q.weight", "blk.0.attn_v.weight", "blk.7.ffn_up.weight", "blk.29.ffn_down.weight")
    mine = written(
        tmp_path / "mine.gguf", {name: (int(shapes[name][0]), int(shapes[name][1])) for name in names}, alpha=alpha
    )
    _, alone = quick(default_weights())
    _, both = quick(default_weights(), mine)
    assert alone is not None
    assert both is not None
    whole = [*FUSED, "blk.1.attn_qkv.weight"]
    difference, joined = numbers(alone, whole), numbers(both, whole)
    given = {name: (alpha / 4 or 1.0) * change for name, change in numbers(mine, names).items()}
    assert {one.name for one in gguf.GGUFReader(both).tensors} == {one.name for one in gguf.GGUFReader(alone).tensors}
    for name, change in joined.items():
        if name in FUSED:
            parts = FUSED[name]
            expected = np.concatenate([given.get(part, np.zeros(tuple(map(int, shapes[part])))) for part in parts])
            np.testing.assert_allclose(change - difference[name], expected, atol=np.abs(expected).max() * 0.02)
        else:
            assert np.array_equal(change, difference[name])


@pytest.mark.parametrize(
    ("shapes", "arch"),
    [
        pytest.param({"blk.0.attn_q.weight": (576, 576)}, "qwen2", id="another kind of model"),
        pytest.param({"blk.0.attn_q.weight": (512, 576)}, "llama", id="other rows"),
        pytest.param({"blk.0.attn_q.weight": (576, 512)}, "llama", id="other columns"),
        pytest.param({"blk.30.attn_q.weight": (576, 576)}, "llama", id="a layer more"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, shapes: dict[str, tuple[int, int]], arch: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    mine = written(tmp_path / "mine.gguf", shapes, arch=arch)
    with pytest.raises(
        ModelError, match=r"with the adapter .*mine\.gguf: damaged, of an unknown kind, or made for another"
    ):
        LocalModel(adapter=mine)


def test_an_adapter_of_what_is_not_split_is_loaded_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    mine = written(tmp_path / "mine.gguf", {"token_embd.weight": (49152, 576)})
    assert quick(default_weights(), mine) == (default_weights(), mine)
    assert "holds token_embd.weight.lora_a, which cannot be joined" in caplog.text


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
