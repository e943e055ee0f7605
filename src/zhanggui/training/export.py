"""Exports LoRA adapters to GGUF, as llama.cpp takes them beside the base's file. Knows no training.

Format: llama.cpp, convert_lora_to_gguf.py. Llama-shaped bases: queries and keys are permuted, as in the base's file.
"""

import json
from pathlib import Path

from zhanggui.errors import TrainingError

BASE_CONFIG = "base_config.json"
"""Beside the adapter: the configuration of its base."""


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
    if kind not in ("llama", "qwen2"):
        raise TrainingError(f"adapters of {kind!r} models cannot be exported to GGUF yet; merge it instead")
    arch = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}[kind]
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
            count = heads[projection]
            value = value.reshape(count, 2, value.shape[0] // count // 2, -1).swapaxes(1, 2).reshape(value.shape)
        writer.add_tensor(f"{name}.weight.lora_{side.lower()}", np.ascontiguousarray(value.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out.stat().st_size
