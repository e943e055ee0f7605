"""Exports whole decoders of a Hugging Face folder to GGUF, for llama.cpp, Ollama and others. Knows no training.

Format: llama.cpp, convert_hf_to_gguf.py. GPT-2, Llama, Qwen2 and Qwen3 shapes; one tensor in memory at a time.
"""

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from zhanggui.errors import TrainingError
from zhanggui.training import gguf_tokenizer

Precision = Literal["F16", "Q8_0"]
"""Of matrices: 16-bit floats, or 8-bit integers in blocks of 32 with a scale each."""
_SKIPPED = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")  # buffers of old files


def decoder_to_gguf(folder: Path, out: Path, *, precision: Precision = "F16") -> int:
    """Write the decoder in `folder` (config, safetensors, tokenizer, chat template) as `out`; returns its bytes.

    Matrices are written as `precision`; where Q8_0 does not fit (rows not of 32s) as F16; vectors always in 32 bits.
    Raises TrainingError for another kind of model, or one that llama.cpp would compute otherwise.
    """
    import gguf
    from transformers import AutoConfig

    try:
        shape = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} holds no model of Hugging Face's form: {error}") from error
    arch = architecture(shape.model_type)
    _check(shape, folder)
    layers = shape.num_hidden_layers
    names = gguf.get_tensor_name_map(arch, layers)
    wanted = {"F16": gguf.GGMLQuantizationType.F16, "Q8_0": gguf.GGMLQuantizationType.Q8_0}[precision]
    writer = gguf.GGUFWriter(None, gguf.MODEL_ARCH_NAMES[arch])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(folder.resolve().name)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_file_type({"F16": gguf.LlamaFileType.MOSTLY_F16, "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}[precision])
    _add_shape(writer, shape)
    with ExitStack() as opened:
        read = _tensors(folder, opened)
        plan = []
        for key in sorted(read):
            if key.endswith(_SKIPPED) or (key == "lm_head.weight" and shape.tie_word_embeddings):
                continue
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            if name is None:
                raise TrainingError(f"{folder}: GGUF has no name for the tensor {key} of a {shape.model_type} model")
            plan.append((key, name))
        if not shape.tie_word_embeddings and "lm_head.weight" not in read:
            raise TrainingError(f"{folder}: lm_head.weight is missing, and the configuration does not tie it")
        embedded = next(key for key, name in plan if name == "token_embd.weight")
        gguf_tokenizer.read(folder, read[embedded].get_shape()[0]).write(writer)
        extra = _rope_factors(shape)
        if extra is not None:
            writer.add_tensor_info("rope_freqs.weight", extra.shape, extra.dtype, extra.nbytes)
        for key, name in plan:
            size = read[key].get_shape()
            size = size[::-1] if _is_transposed(key, shape) else size
            kind = _kind(name, size, wanted)
            stored = gguf.quant_shape_to_byte_shape(size, kind) if kind is gguf.GGMLQuantizationType.Q8_0 else size
            element = {gguf.GGMLQuantizationType.F32: "<f4", gguf.GGMLQuantizationType.F16: "<f2"}.get(kind, "u1")
            _add_info(writer, name, stored, element, kind)
        part = out.with_name(f"{out.name}.partial")
        try:
            writer.write_header_to_file(part)
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            if extra is not None:
                writer.write_tensor_data(extra)
            for key, name in plan:
                value = _value(read[key], key, shape)
                writer.write_tensor_data(gguf.quants.quantize(value, _kind(name, value.shape, wanted)))
            writer.close()
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    return out.stat().st_size


def architecture(kind: str) -> Any:
    """GGUF's architecture of a transformers `model_type`. Raises TrainingError for one that is not exported."""
    import gguf

    known = {
        "gpt2": gguf.MODEL_ARCH.GPT2,
        "llama": gguf.MODEL_ARCH.LLAMA,
        "qwen2": gguf.MODEL_ARCH.QWEN2,
        "qwen3": gguf.MODEL_ARCH.QWEN3,
    }
    if kind not in known:
        raise TrainingError(f"{kind!r} models cannot be exported to GGUF yet; there are {', '.join(known)}")
    return known[kind]


def interleave(value: Any, heads: int) -> Any:
    """Rows of a query or key projection from Hugging Face's rotary order (halves) into GGUF's (pairs)."""
    return value.reshape(heads, 2, value.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(value.shape)


def _check(shape: Any, folder: Path) -> None:
    """Refuse what llama.cpp has no knob for: it would load the file and compute something else."""
    plain: dict[str, dict[str, tuple[Any, ...]]] = {
        "gpt2": {"activation_function": ("gelu_new", "gelu_pytorch_tanh"), "scale_attn_weights": (True,),
                 "scale_attn_by_inverse_layer_idx": (False,), "add_cross_attention": (False,)},
        "llama": {"hidden_act": ("silu",)},
        "qwen2": {"hidden_act": ("silu",), "use_sliding_window": (False,)},
        "qwen3": {"hidden_act": ("silu",), "use_sliding_window": (False,), "attention_bias": (False,)},
    }  # fmt: skip
    for name, allowed in plain[shape.model_type].items():
        if getattr(shape, name, allowed[0]) not in allowed:
            raise TrainingError(
                f"{folder}: llama.cpp has no {shape.model_type} model with {name} = {getattr(shape, name)!r}"
            )


def _add_shape(writer: Any, shape: Any) -> None:
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_head_count(shape.num_attention_heads)
    if shape.model_type == "gpt2":
        writer.add_feed_forward_length(shape.n_inner or 4 * shape.hidden_size)
        writer.add_layer_norm_eps(shape.layer_norm_epsilon)
        return
    size = _head_size(shape)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count_kv(shape.num_key_value_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    rope = shape.rope_parameters
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    if rope["rope_type"] in ("linear", "yarn"):
        import gguf

        writer.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        writer.add_rope_scaling_factor(float(rope["factor"]))
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    elif rope["rope_type"] not in ("default", "linear", "llama3"):
        raise TrainingError(f"rotary positions of type {rope['rope_type']!r} cannot be exported to GGUF yet")


def _rope_factors(shape: Any) -> Any:
    """Llama 3's divisors of the rotary frequencies, float32 [head size / 2], or None (Llama 3.1, `apply_scaling`)."""
    import numpy as np

    rope = getattr(shape, "rope_parameters", None) or {}
    if rope.get("rope_type") != "llama3":
        return None
    size, old = _head_size(shape), rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    found = []
    for half in range(size // 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (2 * half / size)
        smooth = min(1.0, max(0.0, (old / wavelength - low) / (high - low)))
        found.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(found, dtype=np.float32)


def _head_size(shape: Any) -> int:
    return int(getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads)


def _tensors(folder: Path, opened: ExitStack) -> Mapping[str, Any]:
    """Name -> slice of an open safetensors file, of one file or of shards."""
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    if index.exists():
        files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    else:
        files = ["model.safetensors"]
    found: dict[str, Any] = {}
    for name in files:
        if not (folder / name).is_file():
            raise TrainingError(f"{folder / name} is missing; save the model with save_pretrained (safetensors)")
        file = opened.enter_context(safe_open(folder / name, framework="pt"))
        found |= {key: file.get_slice(key) for key in file.keys()}
    return found


def _value(read: Any, key: str, shape: Any) -> Any:
    """One tensor as float32, laid out as GGUF has it."""
    import numpy as np

    value = read[:].float().numpy()
    if _is_transposed(key, shape):
        value = value.T
    if shape.model_type == "llama" and ".self_attn." in key:
        projection = key.split(".")[-2]
        heads = {"q_proj": shape.num_attention_heads, "k_proj": shape.num_key_value_heads}
        if projection in heads:
            value = interleave(value, heads[projection])
    return np.ascontiguousarray(value)


def _is_transposed(key: str, shape: Any) -> bool:
    """GPT-2's Conv1D keeps [in, out]."""
    return shape.model_type == "gpt2" and key.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight"))


def _kind(name: str, size: Any, wanted: Any) -> Any:
    import gguf

    if len(size) == 1 or name == "position_embd.weight":  # positions are added, not multiplied: llama.cpp wants floats
        return gguf.GGMLQuantizationType.F32
    if size[-1] % gguf.GGML_QUANT_SIZES[wanted][0]:
        return gguf.GGMLQuantizationType.F16
    return wanted


def _add_info(writer: Any, name: str, stored: Any, element: str, kind: Any) -> None:
    import numpy as np

    dtype = np.dtype(element)
    writer.add_tensor_info(name, tuple(stored), dtype, math.prod(stored) * dtype.itemsize, raw_dtype=kind)
