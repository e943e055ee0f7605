"""Weights in Q4_1 as llama.cpp multiplies them quickest: in Q4_0, fused, with one adapter that makes up the difference.

Its kernels take eight rows of Q4_0 at a time, and one of Q4_1. A weight of Q4_1 is d q + m, one of Q4_0 is d (q - 8): what is
missing, m + 8 d, is the same all over a block of 32, a product of two thin matrices as in a LoRA adapter, here in Q8_0.
Its graph for ChatGLM is that for Llama, with five of the seven products of a layer in two. Formats: ggml-common.h.
"""

import logging
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.llm.gguf import digest

if TYPE_CHECKING:
    import gguf

_BLOCK, _BYTES = 32, 20  # weights of a block; its bytes in Q4_1: d, m (16-bit floats), then two weights a byte
_HALF = 2
_ONE_BY_ONE, _FUSED = "llama", "chatglm"
_KIND = {"general.architecture": _ONE_BY_ONE, "adapter.type": "lora"}  # of an adapter that can be joined
_PARTS = {"attn_qkv": ("attn_q", "attn_k", "attn_v"), "ffn_up": ("ffn_gate", "ffn_up")}
_log = logging.getLogger(__name__)


def quick(weights: Path, adapter: Path | None = None) -> tuple[Path, Path | None]:
    """`weights` (GGUF) in Q4_0 with the adapter to load on them, from the user's cache folder, put there the first time.

    The same model: what differs is the rounding of m + 8 d to 8 bits, less than half of what the kernels round off of the
    numbers that go in. `adapter`, a LoRA adapter (GGUF) of `weights`, is rounded likewise into a file with the difference.
    Where the folder cannot be written, or a file is damaged or of another kind, `weights` and `adapter` themselves.
    """
    import platformdirs

    folder = platformdirs.user_cache_path("zhanggui") / f"{weights.stem}-{digest(weights)}-q4_0-fused"
    quick_weights, difference = folder / "weights.gguf", folder / "adapter.gguf"
    try:
        if not folder.exists():
            _put(folder, lambda draft: _fuse(weights, draft))
        if adapter is None:
            return quick_weights, difference
        both = folder / f"{adapter.stem}-{digest(adapter)}.gguf"
        if not both.exists():
            _put(both, lambda draft: _join(difference, adapter, draft))
    except (OSError, ValueError, IndexError, KeyError) as error:
        _log.warning("%s cannot be kept, so that the default model stays slower: %s", folder, error)
        return weights, adapter
    return quick_weights, both


def in_two(rows: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rows of Q4_1, as bytes, in Q4_0; and what is missing, a number a block: (rows, blocks)."""
    blocks = rows.reshape(len(rows), -1, _BYTES)
    scale, nibbles = blocks[..., :_HALF], blocks[..., 2 * _HALF :]
    d, m = (np.ascontiguousarray(blocks[..., at : at + _HALF]).view(np.float16)[..., 0] for at in (0, _HALF))
    missing = m.astype(np.float32) + 8 * d.astype(np.float32)
    return np.concatenate([scale, nibbles], axis=-1).reshape(len(rows), -1), missing


def _fuse(weights: Path, folder: Path) -> None:
    """Write `weights` in Q4_0, fused, and what is missing, into `folder`."""
    import gguf

    read = gguf.GGUFReader(weights)
    if read.fields["general.architecture"].contents() != _ONE_BY_ONE:
        raise ValueError(f"{weights} is no model of the kind {_ONE_BY_ONE}")
    folder.mkdir()
    base, lora = gguf.GGUFWriter(folder / "weights.gguf", _FUSED), _adapter(folder / "adapter.gguf")
    for field in read.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            name = field.name.replace(f"{_ONE_BY_ONE}.", f"{_FUSED}.")
            base.add_key_value(name, field.contents(), field.types[0], inner)
    tensors = {tensor.name: tensor for tensor in read.tensors}
    for name, parts in dict(map(_whole, tensors)).items():
        (kind,) = {tensors[part].tensor_type for part in parts}
        data = np.concatenate([tensors[part].data for part in parts])
        if kind == gguf.GGMLQuantizationType.Q4_1:
            data, missing = in_two(data)
            kind = gguf.GGMLQuantizationType.Q4_0
            # Of what goes in, the sum of each block; of these sums, what is missing in each row.
            _add(lora, name, [_q8_0(np.eye(missing.shape[1]).repeat(_BLOCK, axis=1), missing)])
            lora.add_array(_rows(name), [len(tensors[part].data) for part in parts])
        base.add_tensor(name, data, raw_dtype=kind)
    _close(base)
    _close(lora)


def _join(difference: Path, adapter: Path, both: Path) -> None:
    """Write the two adapters as one. Raises ValueError when `adapter` changes what `difference` does not."""
    import gguf

    read, theirs = gguf.GGUFReader(difference), gguf.GGUFReader(adapter)
    about = {name: field.contents() for name, field in theirs.fields.items() if name in _KIND or "adapter." in name}
    alpha = float(about.pop("adapter.lora.alpha"))
    if about != _KIND:
        raise ValueError(f"{adapter} is no plain LoRA adapter of a model of the kind {_ONE_BY_ONE}")
    given = {one.name: gguf.dequantize(one.data, one.tensor_type) for one in theirs.tensors}
    changed = dict(_whole(name.removesuffix(".lora_a")) for name in given if name.endswith(".lora_a"))
    lora = _adapter(both)
    tensors = {tensor.name: tensor.data for tensor in read.tensors}
    for name in (one.removesuffix(".lora_a") for one in tensors if one.endswith(".lora_a")):
        pairs = [(tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"])]
        rows = read.fields[_rows(name)].contents()
        downs, ups = [], []
        for at, part in enumerate(changed.get(name, ())):
            if f"{part}.lora_a" in given:
                down, up = given.pop(f"{part}.lora_a"), given.pop(f"{part}.lora_b")
                if len(up) != rows[at]:
                    raise ValueError(f"{adapter} has {len(up)} rows for {part}, the model has {rows[at]}")
                downs.append(down)
                place = (sum(rows[:at]), sum(rows[at + 1 :]))
                ups.append(np.pad(up * (alpha / len(down) if alpha else 1), (place, (0, 0))))
        if downs:
            pairs.append(_q8_0(np.concatenate(downs), np.concatenate(ups, axis=1)))
        _add(lora, name, pairs)
    if given:
        raise ValueError(f"{adapter} holds {next(iter(given))}, which cannot be joined")
    _close(lora)


def _whole(weight: str) -> tuple[str, tuple[str, ...]]:
    """The fused weight that a weight is part of, and all its parts in their order."""
    for name, parts in _PARTS.items():
        for part in parts:
            if f".{part}." in weight:
                return weight.replace(part, name), tuple(weight.replace(part, one) for one in parts)
    return weight, (weight,)


def _rows(name: str) -> str:
    """The key of how many rows each part of a fused weight has."""
    return f"zhanggui.rows.{name}"


def _q8_0(down: NDArray[Any], up: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two factors (rank, in) and (out, rank) in Q8_0. Its blocks, of 32, are filled up with zeros."""
    import gguf

    more = -len(down) % _BLOCK
    padded = np.pad(down, ((0, more), (0, 0))), np.pad(up, ((0, 0), (0, more)))
    first, second = (gguf.quantize(one.astype(np.float32), gguf.GGMLQuantizationType.Q8_0) for one in padded)
    return first, second


def _adapter(file: Path) -> "gguf.GGUFWriter":
    import gguf

    lora = gguf.GGUFWriter(file, _FUSED)
    lora.add_type("adapter")
    lora.add_string("adapter.type", "lora")
    lora.add_float32("adapter.lora.alpha", 0.0)  # taken as it is, whatever its rank
    return lora


def _add(lora: "gguf.GGUFWriter", name: str, pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> None:
    """The sum of products of factors in Q8_0, as one product."""
    import gguf

    downs, ups = zip(*pairs, strict=True)
    for part, data in (("lora_a", np.concatenate(downs)), ("lora_b", np.concatenate(ups, axis=1))):
        lora.add_tensor(f"{name}.{part}", data, raw_dtype=gguf.GGMLQuantizationType.Q8_0)


def _close(writer: "gguf.GGUFWriter") -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _put(place: Path, write: Callable[[Path], None]) -> None:
    """What `write` makes, a file or a folder of files, under its name by one step, unless somebody else was faster."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}-{secrets.token_hex(4)}")
    try:
        write(draft)
        for file in draft.iterdir() if draft.is_dir() else (draft,):
            with file.open("rb+") as written:
                os.fsync(written.fileno())
        try:
            draft.rename(place)
        except OSError:
            if not place.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True) if draft.is_dir() else draft.unlink(missing_ok=True)
