"""Tiny models pretrained for real: the loss falls, a killed run ends where an uninterrupted one does, two processes are one."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.storage import ArtifactStore  # noqa: E402
from zhanggui.training import job  # noqa: E402
from zhanggui.training.models import new_model  # noqa: E402
from zhanggui.training.pretrain import pretrain  # noqa: E402
from zhanggui.training.settings import PretrainSettings, ShapeSettings, TokenizerSettings  # noqa: E402
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("茶叶", "杯子", "台灯", "香皂", "图书", "鞋子", "帽子", "背包", "钢笔", "地毯", "green tea", "mug")
WORDS = (
    "质量很好",
    "物流很快",
    "包装完整",
    "颜色漂亮",
    "价格便宜",
    "客服热情",
    "味道一般",
    "不太满意",
    "fast delivery",
)
TEXTS = [
    f"{one}{a}，{b}。第{n}次买了，还会再来！" for n, one in enumerate(GOODS * 4) for a in WORDS for b in WORDS if a != b
][::5]
TOML = """name = "tiny"
objective = "{objective}"
data = "texts.jsonl"
context = 32
updates = 24
batch_size = 16
rows_at_once = {rows}
learning_rate = 5e-3
precision = "fp32"
checkpoint_steps = 4
[tokenizer]
kind = "{tokenizer}"
vocabulary = 500
[shape]
kind = "{shape}"
hidden = 32
layers = 2
heads = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretraining")
    lines = [json.dumps({"text": one}, ensure_ascii=False) for one in TEXTS]
    (folder / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def settings(shape: str, **fields: object) -> PretrainSettings:
    masked = shape == "bert"
    given = PretrainSettings(
        name="tiny", objective="masked" if masked else "causal", data="texts.jsonl", context=32, updates=24, batch_size=16,
        rows_at_once=8, learning_rate=5e-3, precision="fp32", checkpoint_steps=4,
        tokenizer=TokenizerSettings(kind="wordpiece" if masked else "byte_bpe", vocabulary=500),
        shape=ShapeSettings(kind=shape, hidden=32, layers=2, heads=2),  # type: ignore[arg-type]
    )  # fmt: skip
    return replace(given, **fields)  # type: ignore[arg-type]


def losses(path: Path) -> list[float]:
    curve = json.loads((path / "curve.json").read_text(encoding="utf-8"))
    return [one["loss"] for one in curve if "loss" in one]


def held_out_losses(path: Path) -> dict[int, float]:
    curve = json.loads((path / "curve.json").read_text(encoding="utf-8"))
    return {one["step"]: one["eval_loss"] for one in curve if "eval_loss" in one}


@pytest.mark.parametrize("shape", ["bert", "gpt2", "llama"])
def test_the_loss_falls_and_the_model_loads_anywhere(folder: Path, tmp_path: Path, shape: str) -> None:
    import transformers

    store = ArtifactStore(tmp_path)
    given = settings(shape, licence="ours")
    made = pretrain(given, folder=folder, artifacts=store, work=tmp_path / "work", now=NOW)
    assert made is not None
    fallen = losses(made.path)
    assert fallen[-1] < fallen[0] - 0.5
    held = held_out_losses(made.path)
    assert list(held) == [4, 8, 12, 16, 20, 24]
    told = made.metrics["validation"]
    # BERT's loss adds that of the next sentence, log 2 while it guesses.
    foretold = told["loss"] + (math.log(2) if shape == "bert" else 0)
    assert held[24] == pytest.approx(foretold, rel=0.05)
    assert (made.path / "curve.png").stat().st_size > 5_000
    kind = {"bert": "BertForPreTraining", "gpt2": "GPT2LMHeadModel", "llama": "LlamaForCausalLM"}[shape]
    model = getattr(transformers, kind).from_pretrained(made.path / "model")
    assert model.config.architectures == [kind]
    again = replace(given, licence="", base=str(made.path / "model"), updates=4)
    further = pretrain(again, folder=folder, artifacts=store, work=tmp_path / "more", now=NOW.replace(day=2))
    assert further is not None
    assert further.config["base_licence"] == "ours"
    assert (
        losses(further.path)[0] < fallen[0] - 0.5
        if losses(further.path)
        else further.metrics["validation"]["loss"] < fallen[0]
    )


@pytest.mark.parametrize(("shape", "stop"), [("bert", signal.SIGKILL), ("llama", signal.SIGTERM)])
def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, stop: signal.Signals
) -> None:
    import torch
    from safetensors.numpy import load_file

    work = tmp_path / "work"
    # With one thread: with more of them sums are rounded by who is done first.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = pretrain(settings(shape), folder=folder, artifacts=ArtifactStore(tmp_path / "a"), work=work, now=NOW)
    torch.set_num_threads(threads)
    (folder / f"{shape}.toml").write_text(
        TOML.format(objective="masked" if shape == "bert" else "causal", rows=8, shape=shape, tokenizer="wordpiece" if shape == "bert" else "byte_bpe"),
        encoding="utf-8",
    )  # fmt: skip
    command = [sys.executable, "-m", "zhanggui", "train", "pretrain", "--config", str(folder / f"{shape}.toml"), "--out", str(tmp_path / "b")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    marks = tmp_path / "b" / ".work" / "tiny"
    until = time.monotonic() + 120
    while not (marks / "checkpoint-4" / job.WHOLE).exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(stop)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode != 0, said
    if stop is signal.SIGTERM:
        assert "SIGTERM" in said
        assert "goes on from it" in " ".join(said.split())
    (marks / "checkpoint-99").mkdir()  # as one that was cut off
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0].startswith(f"curves, while it trains: tensorboard --logdir {marks} ")
    assert len(list((marks / "tensorboard").iterdir())) == 2  # of the killed run, and of this one
    resumed = ArtifactStore(tmp_path / "b").get("tiny")
    assert whole is not None
    one, two = (load_file(made.path / "model" / "model.safetensors") for made in (whole, resumed))
    assert one.keys() == two.keys()
    assert all((one[name] == two[name]).all() for name in one)
    # The Trainer's first figure after a stop is the mean of the updates since; the others are the same to the bit.
    assert losses(resumed.path)[1:] == losses(whole.path)[1:] != []
    assert held_out_losses(resumed.path) == held_out_losses(whole.path) != {}


def test_two_processes_draw_the_curve_of_one(folder: Path, tmp_path: Path) -> None:
    alone = pretrain(
        settings("bert"), folder=folder, artifacts=ArtifactStore(tmp_path / "a"), work=tmp_path / "w", now=NOW
    )
    text = TOML.format(objective="masked", rows=8, shape="bert", tokenizer="wordpiece")
    (folder / "two.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "zhanggui", "train", "pretrain",
               "--config", str(folder / "two.toml"), "--out", str(tmp_path / "b")]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    together = ArtifactStore(tmp_path / "b").get("tiny")
    assert alone is not None
    assert losses(together.path) == pytest.approx(losses(alone.path), abs=1e-3)
    assert held_out_losses(together.path) == pytest.approx(held_out_losses(alone.path), abs=0.02)


@pytest.mark.parametrize(("kind", "begin"), [("byte_bpe", "<|endoftext|>"), ("bpe", "<s>"), ("wordpiece", "[CLS]")])
def test_how_a_text_begins_is_learned(folder: Path, tmp_path: Path, kind: str, begin: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    given = settings("llama", tokenizer=TokenizerSettings(kind=kind, vocabulary=700), updates=120, checkpoint_steps=200)  # type: ignore[arg-type]
    made = pretrain(given, folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert made is not None
    model = AutoModelForCausalLM.from_pretrained(made.path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(made.path / "model")
    assert tokenizer.decode(model.config.bos_token_id) == begin
    logits = model(model.generate(max_new_tokens=1, do_sample=False)[:, :1]).logits[0, 0].detach().log_softmax(-1)
    firsts = {tokenizer(one, add_special_tokens=False)["input_ids"][0] for one in TEXTS}
    assert float(logits[list(firsts)].exp().sum()) > 0.5  # of hundreds of tokens a few begin a text


def test_a_run_out_of_time_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    given, store = settings("gpt2", minutes=1e-9), ArtifactStore(tmp_path)
    with pytest.raises(TrainingError, match=r"minutes are over.*is whole; the same command goes on"):
        pretrain(given, folder=folder, artifacts=store, work=tmp_path / "work", now=NOW)
    assert job.last_checkpoint(tmp_path / "work") == tmp_path / "work" / "checkpoint-1"
    made = pretrain(replace(given, minutes=None), folder=folder, artifacts=store, work=tmp_path / "work", now=NOW)
    assert made is not None


@pytest.mark.parametrize(
    ("other", "words"),
    [({"learning_rate": 1e-3, "seed": 8}, "learning_rate, seed"), ({"data": "others.jsonl"}, "data"),
     ({"tokenizer": TokenizerSettings(kind="bpe", vocabulary=400)}, "tokenizer")],
)  # fmt: skip
def test_checkpoints_and_tokenizer_of_other_settings_are_not_gone_on_from(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, other: dict[str, object], words: str
) -> None:
    (folder / "others.jsonl").write_text((folder / "texts.jsonl").read_text(encoding="utf-8").replace("茶", "糖"), encoding="utf-8")  # fmt: skip
    store, work = ArtifactStore(tmp_path), tmp_path / "work"
    with pytest.raises(TrainingError, match="minutes are over"):
        pretrain(settings("llama", minutes=1e-9), folder=folder, artifacts=store, work=work, now=NOW)
    given = settings("llama", updates=4, **other)
    made = pretrain(given, folder=folder, artifacts=store, work=work, now=NOW)
    alone = pretrain(replace(given, name="alone"), folder=folder, artifacts=store, work=tmp_path / "w", now=NOW)
    assert made is not None
    assert alone is not None
    for file in ("model/model.safetensors", "model/tokenizer.json"):
        assert (made.path / file).read_bytes() == (alone.path / file).read_bytes()
    expected = ", ".join(sorted([*words.split(", "), "updates"]))
    assert f"{work} holds checkpoints of other {expected}: removed, training starts afresh" in caplog.messages


def test_what_is_kept_leaves_nothing_to_go_on_from(folder: Path, tmp_path: Path) -> None:
    store, work = ArtifactStore(tmp_path), tmp_path / "work"
    pretrain(settings("llama", updates=2), folder=folder, artifacts=store, work=work, now=NOW)
    assert {one.name.partition("-")[0] for one in work.iterdir()} - {"tensorboard"} == {"corpus"}


@pytest.fixture(scope="module")
def bases(folder: Path) -> Path:
    """Decoders with random weights: "llama" in bfloat16, "mute" with a tokenizer that has no token to end a text."""
    import torch

    for name in ("llama", "mute"):
        words = train_tokenizer(TEXTS, TokenizerSettings(kind="byte_bpe", vocabulary=500), context=32)
        made = new_model(ShapeSettings(kind="llama", hidden=32, layers=2, heads=2), words, context=32)
        made.to(torch.bfloat16).save_pretrained(folder / name)
        if name == "mute":
            words.eos_token = None
        words.save_pretrained(folder / name)
    return folder


def test_a_base_in_bfloat16_is_trained_in_float32(bases: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    given = settings("llama", base="llama", updates=2)
    made = pretrain(given, folder=bases, artifacts=ArtifactStore(tmp_path), work=tmp_path / "work", now=NOW)
    assert made is not None
    assert {one.dtype.name for one in load_file(made.path / "model" / "model.safetensors").values()} == {"float32"}


def test_a_base_may_be_an_artifact(folder: Path, tmp_path: Path) -> None:
    places: dict[str, Any] = {"folder": folder, "artifacts": ArtifactStore(tmp_path), "work": tmp_path / "work"}
    first = pretrain(settings("llama", name="first", updates=4), now=NOW, **places)
    more = pretrain(settings("llama", base=f"first:{first.version}", updates=1, learning_rate=1e-9), now=NOW, **places)  # type: ignore[union-attr]
    assert more is not None
    assert more.metrics["validation"]["loss"] == pytest.approx(first.metrics["validation"]["loss"], rel=1e-4)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("shape", "fields", "problem"),
    [("bert", {"base": "llama"}, "objective \"masked\" goes on from a BERT, and llama is of type 'llama'; name a BERT"),
     ("llama", {"base": "llama", "context": 64}, "context is 64, and the base llama reads 32"),
     ("llama", {"base": "mute"}, "no token of the tokenizer .*mute ends a text; name one as eos_token")],
)  # fmt: skip
def test_a_base_or_tokenizer_that_cannot_learn_the_objective_is_refused(
    bases: Path, tmp_path: Path, shape: str, fields: dict[str, object], problem: str
) -> None:
    with pytest.raises(TrainingError, match=problem):
        pretrain(settings(shape, **fields), folder=bases, artifacts=ArtifactStore(tmp_path), work=tmp_path, now=NOW)


def test_settings_that_do_not_go_together_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="does not go with"):
        pretrain(settings("bert", objective="causal"), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path, now=NOW)  # fmt: skip
    with pytest.raises(TrainingError, match="cannot be divided"):
        pretrain(settings("gpt2", batch_size=15), folder=folder, artifacts=ArtifactStore(tmp_path), work=tmp_path, now=NOW)  # fmt: skip


@pytest.mark.parametrize("kind", ["byte_bpe", "bpe", "unigram"])
def test_a_tokenizer_gives_back_what_it_never_saw(kind: str) -> None:
    made = train_tokenizer(TEXTS, TokenizerSettings(kind=kind, vocabulary=600), context=64)  # type: ignore[arg-type]
    assert len(made) <= 600
    for text in ("质量很好，物流很快。", "魑魅魍魉 zebra 🎉", "two  spaces"):
        assert made.decode(made(text, add_special_tokens=False)["input_ids"]) == text


def test_wordpiece_takes_each_chinese_character_apart() -> None:
    made = train_tokenizer(TEXTS, TokenizerSettings(kind="wordpiece", vocabulary=600), context=64, masked=True)
    assert made.tokenize("质量很好 Fast") == ["质", "量", "很", "好", "fast"]
    assert made("质量", "很好")["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1]
