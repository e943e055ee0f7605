"""Exports LoRA adapters: to GGUF, as llama.cpp takes them beside the base's file, or merged into the base.

Format: llama.cpp, convert_lora_to_gguf.py. Llama-shaped bases: queries and keys are permuted, as in the base's file.
Knows no training; whole models go through `export_gguf` and `export_onnx`.
"""

import json
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.training.chats import is_plain, ready
from zhanggui.training.export_gguf import architecture, interleave

BASE_CONFIG = "base_config.json"
"""Beside the adapter: the configuration of its base."""
GGUF_BASES = ("llama", "qwen2", "qwen3")
"""Bases whose adapters llama.cpp takes as a file of their own; others are merged."""


def beside_adapter(folder: Path, model: Any, tokenizer: Any) -> None:
    """What serving wants beside the PEFT adapter in `folder`/model: the configurations of its base and of generation, and
    adapter.gguf where llama.cpp takes one and would ask it in the tokenizer's template (others are merged for export)."""
    model.config.to_json_file(folder / "model" / BASE_CONFIG)
    model.generation_config.save_pretrained(folder / "model")
    if model.config.model_type in GGUF_BASES and not is_plain(tokenizer):
        adapter_to_gguf(folder / "model", folder / "adapter.gguf")


def adapter_to_gguf(folder: Path, out: Path) -> int:
    """Write the PEFT adapter in `folder` as `out` in 16-bit floats; returns the file's size in bytes.

    Raises TrainingError for an adapter of another kind of base.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    tensors = load_file(folder / "adapter_model.safetensors")
    shape = json.loads((folder / BASE_CONFIG).read_text(encoding="utf-8"))
    kind = shape["model_type"]
    if kind not in GGUF_BASES:
        raise TrainingError(f"adapters of {kind!r} models cannot be exported to GGUF yet; merge it instead")
    arch = architecture(kind)
    names = gguf.get_tensor_name_map(arch, shape["num_hidden_layers"])
    heads = {"q_proj": shape["num_attention_heads"], "k_proj": shape["num_key_value_heads"]}
    writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[arch])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    for key in sorted(tensors):
        module, _, side = key.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
        name = names.get_name(module, try_suffixes=(".weight",))
        if name is None or side not in ("A", "B"):
            raise TrainingError(f"the adapter has a tensor that GGUF has no name for: {key}")
        value = tensors[key].astype(np.float32)
        projection = module.rpartition(".")[2]
        if side == "B" and kind == "llama" and projection in heads:
            value = interleave(value, heads[projection])
        writer.add_tensor(f"{name}.weight.lora_{side.lower()}", np.ascontiguousarray(value.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out.stat().st_size


def merge_adapter(base: str, adapter: Path, out: Path) -> None:
    """Write `merged` as a Hugging Face folder `out`. Raises TrainingError when the two do not belong together."""
    model, tokenizer = merged(base, adapter)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def merged(base: str, adapter: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of `base` with the PEFT adapter in the folder `adapter` added to its weights, in float32.

    `base` as in fine-tuning: a folder or name, a GGUF file, or "default". The adapter's own tokenizer is kept where it
    has one. Raises TrainingError when the two do not belong together.
    """
    from peft import PeftModel
    from transformers import AutoTokenizer

    from zhanggui.training.load import load

    model, tokenizer = load(base)
    try:
        whole = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(f"the adapter in {adapter} does not belong to {base}: {error}") from error
    if (adapter / "tokenizer.json").exists():
        tokenizer = ready(AutoTokenizer.from_pretrained(adapter), whole)
    return whole, tokenizer
