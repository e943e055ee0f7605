"""Exports encoders of a Hugging Face folder to ONNX, as `zhanggui.llm.encoder` serves them. Knows no training.

Classifiers put out logits; any other encoder its embeddings: the mean over the tokens' vectors, scaled to length one.
"""

import json
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from zhanggui.errors import TrainingError
from zhanggui.llm.encoder import SETTINGS, EncoderSettings
from zhanggui.training.load import check_folder, context

Precision = Literal["fp32", "int8"]
"""int8: weights as 8-bit integers with a scale a column, activations measured as they come (dynamic quantization)."""
_OPSET = 17
_INPUTS = ("input_ids", "attention_mask")  # one text a row: token types are all 0, which models take for granted


def encoder_to_onnx(folder: Path, out: Path, *, precision: Precision = "fp32") -> int:
    """Write the encoder in `folder` as the new folder `out`; returns the bytes of its `model.onnx`.

    Batch and length stay free. Raises TrainingError for what is no encoder, and when `out` is there already.
    """
    import torch
    from transformers import AutoTokenizer

    if out.exists():
        raise TrainingError(f"{out} is there already; name a new folder")
    check_folder(folder)
    model, classifies = _load(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise TrainingError(f"the tokenizer in {folder} cannot be opened: {error}") from error
    head = _head(model, classifies=classifies)
    # Two rows, one of them padded: what is traced must hold for masks too.
    example = torch.ones((2, 6), dtype=torch.long), torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    axes = {name: {0: "batch", 1: "tokens"} for name in _INPUTS} | {"output": {0: "batch"}}
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the exporter warns of itself: its successor needs a package more
            torch.onnx.export(
                head.eval(),
                example,
                str(draft / "model.onnx"),
                input_names=list(_INPUTS),
                output_names=["output"],
                dynamic_axes=axes,
                opset_version=_OPSET,
                dynamo=False,
            )
        if precision == "int8":
            quantize(draft / "model.onnx")
        tokenizer.backend_tokenizer.save(str(draft / "tokenizer.json"))
        settings = _settings(model, tokenizer, classifies=classifies, precision=precision)
        (draft / SETTINGS).write_text(json.dumps(asdict(settings), ensure_ascii=False, indent=1), encoding="utf-8")
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return (out / "model.onnx").stat().st_size


def _load(folder: Path) -> tuple[Any, bool]:
    """(model in float32, whether it classifies)."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    try:
        shape = AutoConfig.from_pretrained(folder)
        names = shape.architectures or []
        classifies = any(name.endswith("ForSequenceClassification") for name in names)
        if any(name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in names):
            raise TrainingError(f"{folder} holds a decoder ({names[0]}); export it to GGUF")
        if classifies and shape.num_labels < 2:
            raise TrainingError(f"{folder}: a classifier needs two labels or more")
        kind = AutoModelForSequenceClassification if classifies else AutoModel
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} holds no encoder of Hugging Face's form: {error}") from error
    return model.eval(), classifies


def _head(model: Any, *, classifies: bool) -> Any:
    """The model as a module of ids and mask, with its logits or its embedding as the only output."""
    import torch

    class Head(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, mask: Any) -> Any:
            found = self.model(input_ids=ids, attention_mask=mask)
            if classifies:
                return found.logits
            weight = mask.unsqueeze(-1).to(found.last_hidden_state.dtype)
            mean = (found.last_hidden_state * weight).sum(1) / weight.sum(1).clamp(min=1)
            return torch.nn.functional.normalize(mean, dim=-1)

    return Head()


def _settings(model: Any, tokenizer: Any, *, classifies: bool, precision: Precision) -> EncoderSettings:
    shape = model.config
    return EncoderSettings(
        task="classify" if classifies else "embed",
        size=shape.num_labels if classifies else shape.hidden_size,
        max_tokens=min(context(model) or tokenizer.model_max_length, tokenizer.model_max_length),
        pad_id=tokenizer.pad_token_id or 0,
        labels=tuple(shape.id2label[number] for number in range(shape.num_labels)) if classifies else (),
        several=classifies and shape.problem_type == "multi_label_classification",
        precision=precision,
    )


def quantize(path: Path) -> None:
    """Replace an ONNX file by one whose weights are 8-bit integers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = path.with_suffix(".int8")
    # One bit less: processors without VNNI add pairs of products in 16 bits, which must not overflow.
    quantize_dynamic(path, small, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    small.replace(path)
