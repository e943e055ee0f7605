"""Opens any base model for training: a Hugging Face folder or name, or a GGUF file (its weights dequantised)."""

import os
from pathlib import Path
from typing import Any, Literal

from zhanggui.errors import TrainingError
from zhanggui.llm.gguf import cut_short
from zhanggui.training import job
from zhanggui.training.chats import ready
from zhanggui.training.settings import LoraSettings


def encoder_decoder(base: str) -> bool:
    """Whether a base, as `kept.weights` gives it, has an encoder and a decoder (T5, BART); a GGUF file is taken for a decoder."""
    from transformers import AutoConfig

    if base == "default" or base.endswith(".gguf"):
        return False
    try:
        return bool(AutoConfig.from_pretrained(base).is_encoder_decoder)
    except (OSError, ValueError) as error:
        raise TrainingError(f"the base model {base} cannot be opened: {error}") from error


_TOKENIZERS = ("tokenizer*", "vocab*", "*.model", "*.tiktoken", "*.tekken")


def check_folder(base: str | Path) -> None:
    """Raise TrainingError where a base is a folder without a configuration or a tokenizer, or its weights are cut short."""
    from safetensors import SafetensorError, safe_open

    folder = Path(base)
    if not folder.is_dir():
        return
    if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise TrainingError(
            f"the folder {base} holds no model: there is no config.json in it; name the folder that holds it"
        )
    if not any(one for pattern in _TOKENIZERS for one in folder.glob(pattern)):
        raise TrainingError(
            f"the folder {base} holds a model without its tokenizer; put tokenizer.json and tokenizer_config.json of the "
            "model's repository beside config.json"
        )
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, "np"):
                pass  # its header says how long it has to be
        except SafetensorError as error:
            raise TrainingError(
                f"the weights {file} are damaged or cut short ({error}); fetch or copy them anew"
            ) from error


def context(model: Any) -> int | None:
    """Tokens that a model reads at once; None where its configuration sets no limit.

    RoBERTa and its kin number positions from behind that of padding, so that two of 514 are never used.
    """
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            return int(part.num_embeddings - part.padding_idx - 1)
    return getattr(model.config, "max_position_embeddings", None)


def fits(max_tokens: int, model: Any, base: str) -> None:
    """Raise TrainingError where the settings ask for longer texts than the model reads."""
    longest = context(model)
    if longest is not None and max_tokens > longest:
        raise TrainingError(f"max_tokens is {max_tokens}, and the base {base} reads {longest}")


def adapters(lora: LoraSettings, *, task: Literal["CAUSAL_LM", "SEQ_2_SEQ_LM", "SEQ_CLS"] = "CAUSAL_LM") -> Any:
    """PEFT's configuration of new adapters on every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear", task_type=task
    )


def load_in_4_bits(base: str, *, checkpointing: bool = False) -> tuple[Any, Any]:
    """(model, tokenizer) of a decoder in 4-bit NormalFloat, ready for adapters (QLoRA, Dettmers et al. 2023).

    CUDA only, from a Hugging Face folder or name. Raises TrainingError, saying what to do, on anything else.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise TrainingError('method "qlora" needs a CUDA device, and there is none; write method = "lora" instead')
    if base == "default" or base.endswith(".gguf"):
        raise TrainingError(
            f'method "qlora" quantises a Hugging Face folder, not {base}; name the folder or write method = "lora"'
        )
    here = int(os.environ.get("LOCAL_RANK", "0"))  # each process of torchrun has a device of its own
    half = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    options = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=half
    )
    try:
        from peft import prepare_model_for_kbit_training

        tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(
            base, quantization_config=options, dtype=half, device_map={"": here}
        )
    except ImportError as error:
        raise TrainingError('method "qlora" needs bitsandbytes; run: pip install bitsandbytes') from error
    except (OSError, ValueError) as error:
        raise TrainingError(f"the base model {base} cannot be opened: {error}") from error
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=checkpointing)
    return model, ready(tokenizer, model)


def load(base: str, *, half: bool = False) -> tuple[Any, Any]:
    """(model, tokenizer) of a decoder, in float32 or, with `half`, in bfloat16, where it computes. Raises TrainingError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    options: dict[str, Any] = {"dtype": torch.bfloat16 if half else torch.float32}
    if not torch.cuda.is_available():
        # Attention in plain products: on a processor faster than the fused kernel for texts of a shop's length.
        options["attn_implementation"] = "eager"
    if base == "default":
        from zhanggui.llm.local import default_weights

        base = str(default_weights())
    path = Path(base)
    check_folder(path)
    try:
        if path.suffix == ".gguf":
            tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
            model = AutoModelForCausalLM.from_pretrained(
                str(path.parent), gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), **options
            )
            # What was dequantised is an ordinary model from here on; adapters must not think otherwise.
            model.config.quantization_config = None
            del model.config.quantization_config
            model.is_quantized = False
            model.hf_quantizer = None
        else:
            tokenizer = AutoTokenizer.from_pretrained(base)
            model = AutoModelForCausalLM.from_pretrained(base, **options)
    except (OSError, ValueError) as error:
        if path.suffix == ".gguf" and path.is_file() and (problem := cut_short(path)):
            raise TrainingError(f"the base model {base} cannot be opened: {problem}") from error
        raise TrainingError(f"the base model {base} cannot be opened: {error}") from error
    return model.to(job.device()), ready(tokenizer, model)
