"""The knobs of training jobs, one TOML each; unknown keys are errors. Loads no torch."""

import tomllib
from dataclasses import field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from zhanggui.errors import TrainingError


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LoraSettings:
    """Low-rank adapters on every linear layer (Hu et al. 2021)."""

    rank: int = 12
    """Rank of each adapter; the size of the file grows with it."""
    alpha: int = 24
    """Scale of an adapter is alpha / rank."""
    dropout: float = 0.05
    """Of an adapter's input."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LimitSettings:
    """What a fine-tuned model may lose; past a limit the job fails and says so."""

    general_perplexity: float = 2.0
    """Perplexity of general texts, after / before: how much was forgotten."""
    repetition_4: float = 0.05
    """Share of 4-grams of an answer that it has said before."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class FinetuneSettings:
    """Conditional generation: the loss counts on the answer only."""

    name: str
    """Name of the artifact."""
    base: str
    """A Hugging Face folder or name, or a GGUF file; "default" for the default weights."""
    data: str
    """A JSONL file or a folder of them; relative to the settings file."""
    method: Literal["lora", "full"] = "lora"
    """Adapters, or every weight."""
    lora: LoraSettings = field(default_factory=LoraSettings)
    """Of method lora."""
    epochs: float = 3.0
    """Passes over the training pairs."""
    batch_size: int = 8
    """Pairs a step on one process."""
    accumulate: int = 1
    """Steps whose gradients are added up before one update."""
    learning_rate: float = 5e-4
    """Peak of the cosine schedule."""
    warmup: float = 0.05
    """Share of steps in which the learning rate rises."""
    max_tokens: int = 512
    """Longest chat; longer ones are cut at the end."""
    validation: float = 0.1
    """Share of groups held out."""
    checkpoint_steps: int = 50
    """A killed job loses at most so many updates."""
    seed: int = 7
    """Fixes order, split and initial adapters."""
    licence: str = ""
    """Licence of base and data, for the manifest."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    """When the job fails."""


def load(path: Path) -> FinetuneSettings:
    """The settings in a TOML file. Raises TrainingError naming the file and the key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be opened: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}") from error
    try:
        return TypeAdapter(FinetuneSettings).validate_python(values)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise TrainingError("\n".join(lines)) from error
