"""What a trained artifact is, how a shop serves it, and how it leaves in another format. Knows no training.

torch and transformers load only for an export. Knows no shop: it is told where to put files.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.llm.encoder import SETTINGS as ENCODER
from zhanggui.storage import Artifact, ArtifactStore

ADAPTER = "adapter.gguf"
_OTHER = {
    "encoder": ": a classifier labels texts by `zhanggui model classify`, and any encoder leaves by `zhanggui model export --to onnx`",
    "encoder-decoder": ": it answers by `zhanggui model generate`",
}
_DECODERS = ("ForCausalLM", "LMHeadModel")


def kind_of(artifact: Artifact) -> str:
    """ "adapter", "decoder", "encoder" or "encoder-decoder" of models; of anything else the first word of its name."""
    told = artifact.config.get("kind")
    if told in ("adapter", "decoder", "encoder", "encoder-decoder"):
        return str(told)
    if ADAPTER in artifact.files or "model/adapter_config.json" in artifact.files:
        return "adapter"
    if ENCODER in artifact.files:
        return "encoder"
    if any(name.endswith(".gguf") for name in artifact.files):
        return "decoder"
    if "model/config.json" in artifact.files:
        told = json.loads((artifact.path / "model" / "config.json").read_text(encoding="utf-8"))
        return "decoder" if any(name.endswith(_DECODERS) for name in told.get("architectures") or ()) else "encoder"
    return artifact.name.partition("/")[0]


def weights(named: str, *, folder: Path, artifacts: ArtifactStore) -> str:
    """What a job's `base` names: "default", an artifact's model (NAME or NAME:VERSION), a path from `folder`, or a name of the
    hub. Raises ArtifactError where the artifact has no such version.
    """
    if named == "default":
        return named
    name, _, version = named.partition(":")
    if name in artifacts.names():
        return str((artifacts.get(name, version or "latest").path / "model").resolve())
    return str((folder / named).resolve()) if (folder / named).exists() else named


def exported(artifact: Artifact, folder: Path, *, suffix: str = ".gguf") -> Path:
    """Where `serving` puts a GGUF file of its own making, and without suffix `serving_encoder` a folder."""
    return folder / f"{artifact.name.replace('/', '-')}-{artifact.version}{suffix}"


def serving(artifact: Artifact, folder: Path, *, base: str | None = None) -> dict[str, str]:
    """The options of `zhanggui.llm.local.LocalModel` that serve a decoder or an adapter.

    An adapter on a GGUF base lies beside it; anything else is exported into `folder` once (8 bits; an adapter merged
    with its base). `base` replaces the base that the artifact names. Raises TrainingError.
    """
    kind = kind_of(artifact)
    if kind not in ("adapter", "decoder"):
        raise TrainingError(
            f"{artifact.name} {artifact.version} is of kind {kind}; only decoders and adapters serve a shop{_OTHER.get(kind, '')}"
        )
    style = artifact.config.get("prompt", "examples")
    prompt = {} if style == "examples" else {"prompt": str(style)}
    if kind == "adapter" and ADAPTER in artifact.files:
        beneath = _base(artifact, base)
        if beneath == "default" or beneath.endswith(".gguf"):
            path = {} if beneath == "default" else {"path": str(Path(beneath).resolve())}
            return path | {"adapter": str((artifact.path / ADAPTER).resolve())} | prompt
    found = [name for name in artifact.files if name.endswith(".gguf") and name != ADAPTER]
    if found:
        return {"path": str((artifact.path / found[0]).resolve())} | prompt
    out = exported(artifact, folder)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        to_gguf(artifact, out, precision="Q8_0", base=base)
    return {"path": str(out.resolve())} | prompt


def serving_encoder(artifact: Artifact, folder: Path) -> Path:
    """The folder that `zhanggui.llm.encoder` serves: the artifact's own, or what is exported below `folder` once.

    Raises TrainingError for what is no encoder.
    """
    kind = kind_of(artifact)
    if kind != "encoder":
        raise TrainingError(f"{artifact.name} {artifact.version} is of kind {kind}; only encoders label texts")
    if ENCODER in artifact.files:
        return artifact.path
    out = exported(artifact, folder, suffix="")
    if not out.exists():
        folder.mkdir(parents=True, exist_ok=True)
        to_onnx(artifact, out, precision="fp32")
    return out


def to_gguf(artifact: Artifact, out: Path, *, precision: str, base: str | None = None) -> int:
    """Write a decoder as a GGUF file, an adapter merged with its base first; returns its bytes. Raises TrainingError."""
    from zhanggui.training.export import merge_adapter
    from zhanggui.training.export_gguf import decoder_to_gguf

    if precision not in ("F16", "Q8_0"):
        raise TrainingError(f"GGUF files are written as F16 or Q8_0, not as {precision}")
    kind, model = kind_of(artifact), artifact.path / "model"
    if kind == "decoder":
        return decoder_to_gguf(model, out, precision="Q8_0" if precision == "Q8_0" else "F16")
    if kind != "adapter":
        raise TrainingError(f"{artifact.name} {artifact.version} is of kind {kind}; GGUF is for decoders and adapters")
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".merged-") as folder:
        whole = Path(folder) / artifact.name.replace("/", "-")  # the name that the file will carry inside
        merge_adapter(_base(artifact, base), model, whole)
        return decoder_to_gguf(whole, out, precision="Q8_0" if precision == "Q8_0" else "F16")


def opened(artifact: Artifact, *, base: str | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) of a decoder in torch, an adapter merged with its base first, where and in what it computes fast.

    Raises TrainingError.
    """
    import torch

    from zhanggui.training.export import merged
    from zhanggui.training.job import device_options
    from zhanggui.training.load import load

    folder = artifact.path / "model"
    if kind_of(artifact) == "adapter":
        model, tokenizer = merged(_base(artifact, base), folder)
    elif folder.exists():
        model, tokenizer = load(str(folder))
    else:
        raise TrainingError(f"{artifact.name} {artifact.version} has no weights in Hugging Face's form")
    return model.to(torch.bfloat16) if device_options("auto")["bf16"] else model, tokenizer


def to_onnx(artifact: Artifact, out: Path, *, precision: str) -> int:
    """Write an encoder as a folder that `zhanggui.llm.encoder` serves; returns the model's bytes. Raises TrainingError."""
    from zhanggui.training.export_onnx import encoder_to_onnx

    if precision not in ("fp32", "int8"):
        raise TrainingError(f"ONNX files are written as fp32 or int8, not as {precision}")
    if kind_of(artifact) != "encoder":
        raise TrainingError(f"{artifact.name} {artifact.version} is no encoder; export it to GGUF")
    return encoder_to_onnx(artifact.path / "model", out, precision="int8" if precision == "int8" else "fp32")


def _base(artifact: Artifact, given: str | None) -> str:
    base = given or str(artifact.config.get("base", ""))
    if not base:
        raise TrainingError(
            f"{artifact.name} {artifact.version} does not say which base it was made for; name it: --base"
        )
    local = base.endswith(".gguf") or base.startswith(("/", "."))
    if local and not Path(base).exists():
        raise TrainingError(
            f"the base {base} of {artifact.name} {artifact.version} is not there any more; name it: --base"
        )
    return base
