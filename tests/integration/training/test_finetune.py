"""A tiny Llama, made here, fine-tuned for real: it learns, is kept with its figures, resumes, and exports."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import job  # noqa: E402
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
    (folder / "base" / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Base")
    return folder


def settings(**fields: object) -> FinetuneSettings:
    given = FinetuneSettings(
        name="tiny",
        base="base",
        data="pairs.jsonl",
        epochs=4,
        learning_rate=5e-3,
        validation=0.3,
        max_tokens=256,
        checkpoint_steps=5,
        lora=LoraSettings(rank=4, alpha=8),
        limits=LimitSettings(general_perplexity=1e9, repetition_4=1.0),
    )
    return replace(given, **fields)


def weights(made: Artifact) -> bytes:
    return (made.path / "model" / "adapter_model.safetensors").read_bytes()


def test_lora_learns_exports_and_is_kept_with_its_figures(folder: Path, tmp_path: Path) -> None:
    import gguf

    given = settings(licence="own")
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert made.metrics["after"]["validation_loss"] < made.metrics["before"]["validation_loss"]
    assert made.metrics["cut_answers"] == 0
    assert made.metrics["measured_pairs"] == made.metrics["validation_pairs"]
    assert made.config["lora"]["rank"] == 4
    assert (made.config["kind"], made.config["prompt"]) == ("adapter", "examples")
    assert made.config["base"] == str(folder / "base")
    assert (made.config["licence"], made.config["base_licence"]) == ("own", "apache-2.0")
    assert len(json.loads((made.path / "curve.json").read_text())) >= 1
    tensors = {one.name: one.shape.tolist() for one in gguf.GGUFReader(made.path / "adapter.gguf").tensors}
    assert len(tensors) == 2 * 7 * 2
    assert tensors["blk.0.attn_q.weight.lora_a"] == [64, 4]
    assert tensors["blk.1.ffn_down.weight.lora_b"] == [4, 64]


def test_a_corpus_keeps_its_own_parts(folder: Path, tmp_path: Path) -> None:
    for part, count in (("train", 8), ("validation", 2), ("test", 5)):
        lines = [json.dumps({"prompt": f"about: {part} {n}", "completion": "A tea."}) for n in range(count)]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(lines))
    given = settings(data=str(tmp_path), epochs=1)
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path / "a"), work=tmp_path / "w", now=NOW)
    assert (made.metrics["train_pairs"], made.metrics["validation_pairs"]) == (8, 2)
    assert made.config["held_out"] == "parts"


def test_answers_that_are_cut_are_counted(folder: Path, tmp_path: Path) -> None:
    long = [
        {"prompt": f"about: {one} {n}", "completion": "A tea. " * 60 * (n == 0) + "Ah."}
        for one in GOODS
        for n in range(4)
    ]
    (tmp_path / "long.jsonl").write_text("\n".join(map(json.dumps, long)), encoding="utf-8")
    given = settings(data=str(tmp_path / "long.jsonl"), epochs=0.1, max_tokens=64)
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert made.metrics["cut_answers"] == pytest.approx(0.25, abs=0.15)


def test_a_started_again_job_goes_on_from_its_checkpoint(
    folder: Path, tmp_path: Path, full_disk: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    with pytest.raises(TrainingError, match=r"the disk is full.*checkpoint-5, is whole"):
        finetune(settings(), folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    full_disk.undo()
    again = settings(checkpoint_steps=100)
    made = finetune(again, folder=folder, artifacts=ArtifactStore(tmp_path), work=work, now=NOW)
    uncut = finetune(
        settings(name="uncut"), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "w", now=NOW
    )
    assert weights(made) == weights(uncut)
    # The first figure after a stop is the mean of the updates since.
    ours, whole = (
        [row for row in json.loads((one.path / "curve.json").read_text()) if "loss" in row] for one in (made, uncut)
    )
    assert ours[0]["step"] == whole[0]["step"]
    assert ours[0]["loss"] != whole[0]["loss"]
    assert ours[1]["loss"] == whole[1]["loss"]
    assert not list(work.glob("checkpoint-*")), "what is kept needs no checkpoints"


def test_a_job_that_failed_is_not_gone_on_from_with_other_settings(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, work = ArtifactStore(tmp_path), tmp_path / "work"
    strict = settings(limits=LimitSettings(general_perplexity=1e-6), epochs=1)
    with pytest.raises(TrainingError, match="with a lower learning rate"):
        finetune(strict, folder=folder, artifacts=store, work=work, now=NOW)
    calmer = settings(learning_rate=1e-3, epochs=1)
    made = finetune(calmer, folder=folder, artifacts=store, work=work, now=NOW)
    alone = finetune(replace(calmer, name="alone"), folder=folder, artifacts=store, work=tmp_path / "w", now=NOW)
    assert weights(made) == weights(alone)
    assert [one.message for one in caplog.records if one.name == "zhanggui.training.job"] == [
        f"{work} holds checkpoints of other learning_rate: removed, training starts afresh"
    ]
    assert store.get("tiny").config["learning_rate"] == 1e-3


def test_a_job_that_failed_is_kept_when_only_its_limits_change(folder: Path, tmp_path: Path) -> None:
    store, work = ArtifactStore(tmp_path), tmp_path / "work"
    strict = settings(limits=LimitSettings(general_perplexity=1e-6), epochs=1)
    with pytest.raises(TrainingError, match="forgotten"):
        finetune(strict, folder=folder, artifacts=store, work=work, now=NOW)
    trained = max(work.glob("checkpoint-*/adapter_model.safetensors"), key=lambda one: one.stat().st_mtime).read_bytes()
    made = finetune(settings(epochs=1), folder=folder, artifacts=store, work=work, now=NOW)
    assert weights(made) == trained


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


def test_the_weights_of_the_lowest_held_out_loss_are_kept_where_asked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load_file

    monkeypatch.setattr(job, "clear", lambda work: None)  # the checkpoints are looked at
    # The surer of what it learns, the worse it foretells what is held out, which says something else.
    for part, said, count in (("train", GOODS[0], 40), ("validation", GOODS[1], 10)):
        lines = [{"prompt": f"about: {n}", "completion": f"{said} {said} {said}"} for n in range(count)]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    given = settings(data=str(tmp_path), epochs=10, learning_rate=1e-2, keep="best")
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


def test_chats_longer_than_the_base_reads_are_refused_before_anything_is_measured(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"max_tokens is 257, and the base .* reads 256"):
        finetune(
            settings(max_tokens=257), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "w", now=NOW
        )


def test_the_optional_terms_change_what_is_learned(folder: Path, tmp_path: Path) -> None:
    def loss(name: str, **terms: float) -> float:
        given = settings(name=name, epochs=1, **terms)
        made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / name, now=NOW)
        return float(made.metrics["after"]["validation_loss"])

    plain = loss("plain")
    assert loss("again") == plain  # a seed fixes a run
    assert loss("varied", unlikelihood=1.0) != plain
    assert loss("consistent", consistency=0.5) != plain


def test_activations_computed_twice_change_nothing(folder: Path, tmp_path: Path) -> None:
    given = settings(epochs=1, gradient_checkpointing=True)
    made = finetune(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "a", now=NOW)
    plain = settings(name="plain", epochs=1)
    once = finetune(plain, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "b", now=NOW)
    assert made.metrics["after"]["validation_loss"] == pytest.approx(once.metrics["after"]["validation_loss"], rel=1e-4)


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
