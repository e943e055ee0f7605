"""Weights in Q4_1 as llama.cpp multiplies them quickest: weights in Q4_0, and an adapter that makes up the difference.

Its kernels take eight rows of Q4_0 at a time, and one of Q4_1. A weight of Q4_1 is d q + m, one of Q4_0 is d (q - 8), with
d and m of the weight's block of 32. So Q4_1 = Q4_0 of the same d and q, plus m + 8 d, which is the same all over a block: a
product of two thin matrices, as in a LoRA adapter, here in Q8_0. Formats: ggml-common.h. Knows no model by name.
"""

import logging
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.llm.gguf import digest

_BLOCK, _BYTES = 32, 20  # weights of a block; its bytes in Q4_1: d, m (16-bit floats), then two weights a byte
_HALF = 2
_log = logging.getLogger(__name__)


def quick(weights: Path) -> tuple[Path, Path | None]:
    """`weights` (GGUF) in Q4_0 with its adapter, from the user's cache folder, put there the first time.

    The same model: what differs is the rounding of m + 8 d to 8 bits, less than half of what the kernels round off
    of the numbers that go in. Where the folder cannot be written, or `weights` is damaged, `weights` itself and no adapter.
    """
    import platformdirs

    name = f"{weights.stem}-{digest(weights)}-q4_0-q8_0"
    folder = platformdirs.user_cache_path("zhanggui") / name
    if not folder.exists():
        draft = folder.with_name(f"{name}-{secrets.token_hex(4)}")
        try:
            draft.mkdir(parents=True)
            _split(weights, draft / "weights.gguf", draft / "adapter.gguf")
            _put(draft, folder)
        except (OSError, ValueError, IndexError, KeyError) as error:
            _log.warning("%s cannot be kept, so that the default model stays slower: %s", folder, error)
            return weights, None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder / "weights.gguf", folder / "adapter.gguf"


def in_two(rows: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rows of Q4_1, as bytes, in Q4_0; and what is missing, a number a block: (rows, blocks)."""
    blocks = rows.reshape(len(rows), -1, _BYTES)
    scale, nibbles = blocks[..., :_HALF], blocks[..., 2 * _HALF :]
    d, m = (np.ascontiguousarray(blocks[..., at : at + _HALF]).view(np.float16)[..., 0] for at in (0, _HALF))
    missing = m.astype(np.float32) + 8 * d.astype(np.float32)
    return np.concatenate([scale, nibbles], axis=-1).reshape(len(rows), -1), missing


def _split(weights: Path, quick_weights: Path, adapter: Path) -> None:
    import gguf

    read = gguf.GGUFReader(weights)
    arch: Any = read.fields["general.architecture"].contents()
    base, lora = gguf.GGUFWriter(quick_weights, arch), gguf.GGUFWriter(adapter, arch)
    lora.add_type("adapter")
    lora.add_string("adapter.type", "lora")
    lora.add_float32("adapter.lora.alpha", 0.0)  # taken as it is, whatever its rank
    for field in read.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            base.add_key_value(field.name, field.contents(), field.types[0], inner)
    for tensor in read.tensors:
        if tensor.tensor_type != gguf.GGMLQuantizationType.Q4_1:
            base.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
            continue
        rows, missing = in_two(np.array(tensor.data))
        base.add_tensor(tensor.name, rows, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
        # Of what goes in, the sum of each block; of these sums, what is missing in each row. Q8_0 has blocks of 32 as well,
        # of sums too, so that some sums are of nothing.
        blocks = missing.shape[1]
        rank = -(-blocks // _BLOCK) * _BLOCK
        sums = np.eye(rank, blocks, dtype=np.float32).repeat(_BLOCK, axis=1)
        for name, matrix in (("lora_a", sums), ("lora_b", np.pad(missing, ((0, 0), (0, rank - blocks))))):
            kind = gguf.GGMLQuantizationType.Q8_0
            lora.add_tensor(f"{tensor.name}.{name}", gguf.quantize(matrix, kind), raw_dtype=kind)
    for writer in (base, lora):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _put(draft: Path, folder: Path) -> None:
    """Under its name by one step, unless somebody else was faster."""
    for file in draft.iterdir():
        with file.open("rb+") as written:
            os.fsync(written.fileno())
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise
