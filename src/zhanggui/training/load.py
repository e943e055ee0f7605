"""Opens any base model for training: a Hugging Face folder or name, or a GGUF file (its weights dequantised)."""

from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError


def load(base: str, *, half: bool = False) -> tuple[Any, Any]:
    """(model, tokenizer) of a decoder, in float32 or, with `half`, in bfloat16. Raises TrainingError."""
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
        raise TrainingError(f"the base model {base} cannot be opened: {error}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None:
        tokenizer.chat_template = CHATML
    return model, tokenizer


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
