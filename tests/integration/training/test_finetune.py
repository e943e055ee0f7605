"""A tiny Llama, made here, fine-tuned for real: it learns, is kept with its figures, resumes, and exports."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training.finetune import finetune  # noqa: E402
from zhanggui.training.settings import FinetuneSettings, LimitSettings, LoraSettings  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("tea", "cup", "lamp", "soap", "book", "shoe", "hat", "bag", "pen", "rug")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = tmp_path_factory.mktemp("training")
    lines = [
        {"prompt": f"about: {one} {n}", "completion": f"A {one} for quiet evenings."} for one in GOODS for n in range(8)
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    plain = Tokenizer(BPE())
    plain.pre_tokenizer = ByteLevel(add_prefix_space=False)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    plain.train_from_iterator(
        [" ".join(one.values()) for one in lines],
        BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=ByteLevel.alphabet()),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.save_pretrained(folder / "base")
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(folder / "base")
    return folder


def settings(**fields: object) -> FinetuneSettings:
    given = FinetuneSettings(
        name="tiny",
        base="base",
        data="pairs.jsonl",
        epochs=4,
        learning_rate=5e-3,
        validation=0.3,
        checkpoint_steps=5,
        lora=LoraSettings(rank=4, alpha=8),
        limits=LimitSettings(general_perplexity=1e9, repetition_4=1.0),
    )
    return replace(given, **fields)


def test_lora_learns_exports_and_is_kept_with_its_figures(folder: Path, tmp_path: Path) -> None:
    import gguf

    made = finetune(settings(), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert made.metrics["after"]["validation_loss"] < made.metrics["before"]["validation_loss"]
    assert made.config["lora"]["rank"] == 4
    assert (made.config["kind"], made.config["prompt"]) == ("adapter", "examples")
    assert made.config["base"] == str(folder / "base")
    assert len(json.loads((made.path / "curve.json").read_text())) >= 1
    tensors = {one.name: one.shape.tolist() for one in gguf.GGUFReader(made.path / "adapter.gguf").tensors}
    assert len(tensors) == 2 * 7 * 2
    assert tensors["blk.0.attn_q.weight.lora_a"] == [64, 4]
    assert tensors["blk.1.ffn_down.weight.lora_b"] == [4, 64]


def test_a_started_again_job_goes_on_from_its_checkpoint(folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    finetune(settings(epochs=2), folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    steps = sorted(int(one.name.rpartition("-")[2]) for one in work.glob("checkpoint-*"))
    made = finetune(settings(name="more"), folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    curve = json.loads((made.path / "curve.json").read_text())
    assert made.metrics["updates"] > steps[-1]
    assert curve[-1]["step"] > steps[-1]


def test_the_loss_on_held_out_rows_is_measured_without_a_trace(folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    often, once = (
        finetune(settings(checkpoint_steps=steps), folder=folder, artifacts=ArtifactStore(tmp_path / f"{steps}"), work=tmp_path / f"w{steps}", now=NOW)
        for steps in (5, 1_000)
    )  # fmt: skip
    # Adapters drop inputs at random: one number drawn elsewhere, and the weights would be others.
    one, two = (load_file(made.path / "model" / "adapter_model.safetensors") for made in (often, once))
    assert all((one[name] == two[name]).all() for name in one)
    found = held_out_losses(often)
    updates = often.metrics["updates"]
    assert list(found) == [*range(5, updates, 5), updates]
    assert found[updates] < found[5]
    # Of all held-out rows, in batches of alike length; the same weights as those measured afterwards.
    assert found[updates] == pytest.approx(often.metrics["after"]["validation_loss"], rel=0.05)
    assert often.metrics["kept_update"] == updates


def held_out_losses(made: Artifact) -> dict[int, float]:
    curve = json.loads((made.path / "curve.json").read_text())
    return {one["step"]: one["eval_loss"] for one in curve if "eval_loss" in one}


def test_the_weights_of_the_lowest_held_out_loss_are_kept_where_asked(folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    # Nothing to learn but the rows themselves: what is held out is foretold worse and worse.
    words = [f"{one} {other}" for one in GOODS for other in reversed(GOODS)]
    lines = [{"prompt": f"about: {n}", "completion": words[n * 37 % 100]} for n in range(60)]
    (tmp_path / "noise.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    given = settings(data=str(tmp_path / "noise.jsonl"), epochs=10, learning_rate=1e-2, keep="best")
    work = tmp_path / "work"
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    found = held_out_losses(made)
    best = min(found, key=lambda step: found[step])
    assert best < max(found)
    assert made.metrics["kept_update"] == best
    assert made.metrics["updates"] == max(found)
    file = "adapter_model.safetensors"
    kept, then, last = (
        load_file(place / file) for place in (made.path / "model", work / f"checkpoint-{best}", work / f"checkpoint-{max(found)}")
    )  # fmt: skip
    assert all((kept[name] == then[name]).all() for name in kept)
    assert any((kept[name] != last[name]).any() for name in kept)
    # A kill while the last checkpoint was written, then the same command where the folder lies now.
    shutil.rmtree(work / f"checkpoint-{max(found)}")
    work = work.rename(tmp_path / "moved")
    again = finetune(replace(given, name="again"), folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    assert again.metrics["kept_update"] == best
    assert held_out_losses(again) == found
    same = load_file(again.path / "model" / file)
    assert all((kept[name] == same[name]).all() for name in kept)


def test_a_model_past_its_limits_is_not_kept_but_its_curves_are(folder: Path, tmp_path: Path) -> None:
    strict = settings(limits=LimitSettings(general_perplexity=1e-6))
    with pytest.raises(TrainingError, match="forgotten"):
        finetune(strict, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert ArtifactStore(tmp_path).versions("tiny") == []
    found = events(tmp_path / "work" / "tensorboard")
    assert {step for name, step in found if name == "train/loss"} >= {10, 20}
    assert {step for name, step in found if name == "eval/loss"} >= {5, 10, 15, 20}


def events(folder: Path) -> set[tuple[str, int]]:
    """(name, update) of each figure in TensorBoard's files: records of length, check sum, bytes, check sum."""
    from tensorboardX.proto.event_pb2 import Event

    found = set()
    for file in folder.iterdir():
        given = file.read_bytes()
        while given:
            size = int.from_bytes(given[:8], "little")
            event = Event.FromString(given[12 : 12 + size])
            found |= {(value.tag, event.step) for value in event.summary.value}
            given = given[16 + size :]
    return found


def test_the_knobs_reach_the_trainer(folder: Path, tmp_path: Path) -> None:
    import torch

    given = settings(schedule="constant", weight_decay=0.25, precision="fp32", minutes=1e-9)
    with pytest.raises(TrainingError, match="minutes are over"):
        finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    args = torch.load(tmp_path / "work" / "checkpoint-1" / "training_args.bin", weights_only=False)
    assert (args.lr_scheduler_type, args.weight_decay, args.bf16) == ("constant_with_warmup", 0.25, False)


def test_too_few_pairs_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps({"prompt": "a", "completion": "b"}))
    with pytest.raises(TrainingError, match="too few"):
        finetune(
            settings(data=str(tmp_path / "one.jsonl")), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "w", now=NOW
        )  # fmt: skip


def test_the_optional_terms_change_what_is_learned(folder: Path, tmp_path: Path) -> None:
    def loss(name: str, **terms: float) -> float:
        given = settings(name=name, epochs=1, **terms)
        made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / name, now=NOW)
        return float(made.metrics["after"]["validation_loss"])

    plain = loss("plain")
    assert loss("again") == plain  # a seed fixes a run
    assert loss("varied", unlikelihood=1.0) != plain
    assert loss("consistent", consistency=0.5) != plain


def test_an_adapter_that_llama_cpp_cannot_take_is_kept_all_the_same(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    shape = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=256)
    GPT2LMHeadModel(shape).save_pretrained(tmp_path / "gpt2")
    given = settings(name="other", base=str(tmp_path / "gpt2"), epochs=1)
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert "model/adapter_config.json" in made.files
    assert "adapter.gguf" not in made.files
