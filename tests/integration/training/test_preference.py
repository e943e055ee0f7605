"""A tiny Llama, made here, tuned to preferences for real: from nothing, from an adapter, and every weight."""

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
from zhanggui.training.preference import tune  # noqa: E402
from zhanggui.training.settings import (  # noqa: E402
    LimitSettings,
    LoraSettings,
    PreferenceSettings,
    ShapeSettings,
    TokenizerSettings,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("tea", "cup", "lamp", "soap", "book", "shoe", "hat", "bag", "pen", "rug")
LINES = [
    {"prompt": f"about: {one} {n}", "chosen": f"A {one} for quiet evenings.", "rejected": f"The BEST {one} ever!!!"}
    for one in GOODS
    for n in range(5)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import set_seed

    from zhanggui.training.models import new_model
    from zhanggui.training.tokenizer import train_tokenizer

    set_seed(0)
    folder = tmp_path_factory.mktemp("preference")
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    words = train_tokenizer([" ".join(one.values()) for one in LINES], TokenizerSettings(vocabulary=400), context=256)
    for kind in ("llama", "gpt2"):
        new_model(ShapeSettings(kind=kind, hidden=64, layers=2, heads=4), words, context=256).save_pretrained(
            folder / kind
        )
        words.save_pretrained(folder / kind)
    return folder


def settings(**fields: object) -> PreferenceSettings:
    given = PreferenceSettings(
        name="tiny",
        base="llama",
        data="rows.jsonl",
        epochs=3,
        batch_size=8,
        accumulate=1,
        learning_rate=5e-3,
        validation=0.3,
        max_tokens=256,
        checkpoint_steps=5,
        lora=LoraSettings(rank=4, alpha=8),
        limits=LimitSettings(general_perplexity=1e9, repetition_4=1.0),
    )
    return replace(given, **fields)


def run(given: PreferenceSettings, folder: Path, out: Path) -> Artifact:
    return tune(given, folder=folder, artifacts=ArtifactStore(out), work=out / "work", now=NOW)


def test_what_was_chosen_becomes_likelier_than_what_was_rejected(folder: Path, tmp_path: Path) -> None:
    import gguf

    made = run(settings(keep="best"), folder, tmp_path)
    assert made.metrics["preference_accuracy"] > 0.9  # of products that it has not seen
    assert made.metrics["preference_margin"] > 0
    assert made.metrics["preference_loss"] < 0.69
    assert made.config["kind"] == "adapter"
    assert set(made.metrics["before"]) == set(made.metrics["after"])
    assert len(gguf.GGUFReader(made.path / "adapter.gguf").tensors) == 2 * 7 * 2
    curve = json.loads((made.path / "curve.json").read_text())
    held = {one["step"]: one["eval_loss"] for one in curve if "eval_loss" in one}
    assert list(held) == [*range(5, made.metrics["updates"], 5), made.metrics["updates"]]
    assert made.metrics["kept_update"] == min(held, key=lambda step: held[step])
    assert made.metrics["preference_loss"] == pytest.approx(min(held.values()), abs=0.02)


def test_an_adapter_is_gone_on_from_and_is_its_own_reference(folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    first = run(settings(name="first"), folder, tmp_path / "a")
    kept = str(first.path / "model")
    more = run(settings(adapter=kept, learning_rate=1e-12, epochs=1), folder, tmp_path / "b")
    # Hardly moved, it is still what it began with, and to itself it prefers nothing.
    assert abs(more.metrics["preference_margin"]) < 1e-3
    assert more.metrics["before"]["validation_loss"] == pytest.approx(
        first.metrics["after"]["validation_loss"], rel=1e-3
    )
    assert not list((more.path / "model").glob("ref*"))
    before, after = (load_file(one.path / "model" / "adapter_model.safetensors") for one in (first, more))
    assert before.keys() == after.keys()


def test_every_weight_may_be_tuned(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    made = run(settings(method="full", learning_rate=1e-3), folder, tmp_path)
    assert made.metrics["preference_accuracy"] > 0.9
    assert made.config["kind"] == "decoder"
    AutoModelForCausalLM.from_pretrained(made.path / "model")


def test_a_base_may_be_an_artifact(folder: Path, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with store.create("shop/llama", "1", now=NOW, config={}, data_hash="") as draft:
        shutil.copytree(folder / "llama", draft.path / "model")
    made = run(settings(base="shop/llama:1", epochs=0.1), folder, tmp_path)
    assert made.config["base"] == str(tmp_path / "shop" / "llama" / "1" / "model")


def test_an_adapter_that_gguf_has_no_form_for_is_kept_without_it(folder: Path, tmp_path: Path) -> None:
    made = run(settings(base="gpt2", epochs=1), folder, tmp_path)
    assert "model/adapter_config.json" in made.files
    assert "adapter.gguf" not in made.files


def test_a_started_again_job_goes_on_from_its_checkpoint(
    folder: Path, tmp_path: Path, full_disk: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingError, match=r"the disk is full.*checkpoint-5, is whole"):
        run(settings(), folder, tmp_path)
    full_disk.undo()
    made = run(settings(), folder, tmp_path)
    uncut = run(settings(), folder, tmp_path / "uncut")
    assert made.metrics["after"] == uncut.metrics["after"]
    # The first figure after a stop is the mean of the updates since.
    ours, whole = (
        [row for row in json.loads((one.path / "curve.json").read_text()) if "loss" in row] for one in (made, uncut)
    )
    assert ours[0]["step"] == whole[0]["step"]
    assert ours[0]["loss"] != whole[0]["loss"]


def test_activations_computed_twice_change_nothing(folder: Path, tmp_path: Path) -> None:
    made, once = (
        run(settings(epochs=1, gradient_checkpointing=twice), folder, tmp_path / str(twice)) for twice in (True, False)
    )
    assert made.metrics["after"]["validation_loss"] == pytest.approx(once.metrics["after"]["validation_loss"], rel=1e-4)


def test_checkpoints_of_other_settings_are_not_gone_on_from(folder: Path, tmp_path: Path) -> None:
    strict = LimitSettings(general_perplexity=1e-6)
    with pytest.raises(TrainingError, match="forgotten"):
        run(settings(epochs=1, limits=strict), folder, tmp_path)
    made = run(settings(epochs=1, beta=0.5), folder, tmp_path)
    alone = run(settings(epochs=1, beta=0.5), folder, tmp_path / "alone")
    assert made.metrics["after"] == alone.metrics["after"]


def test_the_knobs_reach_the_trainer(folder: Path, tmp_path: Path) -> None:
    import torch

    given = settings(schedule="constant", weight_decay=0.25, precision="fp32", minutes=1e-9)
    with pytest.raises(TrainingError, match="minutes are over"):
        run(given, folder, tmp_path)
    args = torch.load(tmp_path / "work" / "checkpoint-1" / "training_args.bin", weights_only=False)
    assert (args.lr_scheduler_type, args.weight_decay, args.bf16) == ("constant_with_warmup", 0.25, False)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"method": "full", "adapter": "x"}, "merge it first"), ({"adapter": "nowhere"}, "does not belong"),
     ({"limits": LimitSettings(general_perplexity=1e-6)}, "forgotten"), ({"validation": 0.0}, "too few")],
)  # fmt: skip
def test_what_cannot_be_kept_says_why(folder: Path, tmp_path: Path, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        run(settings(epochs=0.1, **wrong), folder, tmp_path)
    assert ArtifactStore(tmp_path).versions("tiny") == []
