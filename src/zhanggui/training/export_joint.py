"""Exports the joint model of intents and tags to ONNX, as `zhanggui.llm.encoder` serves it. Knows no training."""

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zhanggui.llm.encoder import SETTINGS, EncoderSettings
from zhanggui.training.export_onnx import quantize
from zhanggui.training.read_states import Labels
from zhanggui.training.settings import UnderstandSettings

_INPUTS = ("input_ids", "attention_mask")
_OPSET = 17


def to_onnx(
    model: Any,
    tokenizer: Any,
    folder: Path,
    *,
    settings: UnderstandSettings,
    labels: Labels,
) -> None:
    """Write `model.onnx` (int8 unless the settings say otherwise), `tokenizer.json` and `encoder.json` into `folder`."""
    import torch

    example = torch.ones((2, 6), dtype=torch.long), torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    axes = {name: {0: "batch", 1: "tokens"} for name in (*_INPUTS, "tags")} | {"labels": {0: "batch"}}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter warns of itself: its successor needs a package more
        torch.onnx.export(
            model,
            example,
            str(folder / "model.onnx"),
            input_names=list(_INPUTS),
            output_names=["labels", "tags"],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )
    if settings.precision == "int8":
        quantize(folder / "model.onnx")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    served = EncoderSettings(
        task="tag",
        size=len(labels.intents),
        max_tokens=settings.max_tokens,
        pad_id=tokenizer.pad_token_id or 0,
        labels=labels.intents,
        threshold=labels.threshold,
        precision=settings.precision,
        tags=labels.tags,
    )
    (folder / SETTINGS).write_text(json.dumps(asdict(served), ensure_ascii=False, indent=1), encoding="utf-8")
