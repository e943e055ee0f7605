"""A tiny T5 and a tiny BART, made here, fine-tuned for real on pairs of prompt and answer."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from typer.testing import CliRunner  # noqa: E402

from zhanggui.cli.main import app  # noqa: E402
from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import job, measure_seq2seq, rows  # noqa: E402
from zhanggui.training.finetune import finetune  # noqa: E402
from zhanggui.training.kept import kind_of, serving  # noqa: E402
from zhanggui.training.measure import GENERAL  # noqa: E402
from zhanggui.training.rows import Pair  # noqa: E402
from zhanggui.training.settings import FinetuneSettings, LimitSettings, LoraSettings, TokenizerSettings  # noqa: E402
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("tea", "cup", "lamp", "soap", "book", "shoe", "hat", "bag", "pen", "rug")
LINES = [
    {"prompt": f"about: {one} {n}", "completion": f"A {one} for quiet evenings."} for one in GOODS for n in range(6)
]


def tokenizer_of(kind: Any, **special: Any) -> Any:
    made = train_tokenizer(
        [*(" ".join(one.values()) for one in LINES), *GENERAL],
        TokenizerSettings(kind=kind, vocabulary=400),
        context=128,
    )
    made.add_special_tokens(special)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BartConfig, BartForConditionalGeneration, T5Config, T5ForConditionalGeneration, set_seed

    folder = tmp_path_factory.mktemp("seq2seq")
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    set_seed(0)
    words = tokenizer_of("bpe", additional_special_tokens=[f"<extra_id_{one}>" for one in range(8)])
    words.save_pretrained(folder / "t5")
    T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(words), d_model=64, d_kv=16, d_ff=128, num_layers=1, num_heads=4, dropout_rate=0.0,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, decoder_start_token_id=words.pad_token_id,
        )
    ).save_pretrained(folder / "t5")  # fmt: skip
    words = tokenizer_of("bpe", mask_token="<mask>")
    words.save_pretrained(folder / "bart")
    BartForConditionalGeneration(
        BartConfig(
            vocab_size=len(words), d_model=64, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128, max_position_embeddings=128, dropout=0.0,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, bos_token_id=words.bos_token_id,
            decoder_start_token_id=words.eos_token_id, forced_eos_token_id=words.eos_token_id,
        )
    ).save_pretrained(folder / "bart")  # fmt: skip
    return folder


def said(store: Path, made: Artifact, *asked: str) -> list[str]:
    """Predictions of `zhanggui model generate` for the prompts, which begin "about"; the others are its options."""
    prompts = [one for one in asked if one.startswith("about")]
    lines = [json.dumps({"prompt": one}) for one in prompts]
    (store / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    places = [str(store / "asked.jsonl"), "--out", str(store / "said.jsonl"), "--store", str(store)]
    command = ["model", "generate", made.name, *places, "--max-tokens", "32", *asked[len(prompts) :]]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in (store / "said.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [one["prompt"] for one in found] == prompts
    return [one["prediction"] for one in found]


def settings(**fields: object) -> FinetuneSettings:
    given = FinetuneSettings(
        name="tiny",
        base="t5",
        data="pairs.jsonl",
        epochs=8,
        learning_rate=1e-2,
        validation=0.3,
        checkpoint_steps=10,
        lora=LoraSettings(rank=8, alpha=16),
        limits=LimitSettings(general_perplexity=1e9, repetition_4=1.0),
    )
    return replace(given, **fields)


def run(given: FinetuneSettings, folder: Path, out: Path) -> Artifact:
    return finetune(given, folder=folder, artifacts=ArtifactStore(out), work=out / "work", now=NOW)


@pytest.mark.parametrize(("base", "method"), [("t5", "full"), ("bart", "full"), ("t5", "lora"), ("bart", "lora")])
def test_an_encoder_decoder_learns_and_is_kept_whole(folder: Path, tmp_path: Path, base: str, method: str) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    made = run(settings(base=base, method=method), folder, tmp_path)
    before, after = made.metrics["before"], made.metrics["after"]
    assert after["validation_loss"] < before["validation_loss"] * (0.6 if method == "full" else 0.95)
    assert set(after) >= {"general_perplexity", "repetition_4", "distinct_2", "bleu_4", "rouge_l"}
    assert kind_of(made) == "encoder-decoder"
    assert json.loads((made.path / "curve.json").read_text())
    model, words = (one.from_pretrained(made.path / "model") for one in (AutoModelForSeq2SeqLM, AutoTokenizer))
    held = [Pair(prompt=({"role": "user", "content": "about: tea 9"},), answer="A tea for quiet evenings.", group="")]
    again = measure_seq2seq.measure(model, words, held, max_tokens=64)
    if method == "full":
        assert "for quiet evenings." in again.samples[0]["answer"]
        asked = "about: tea 9", "about: a bag that nobody has asked about before 0"
        assert said(tmp_path, made, *asked)[0] == again.samples[0]["answer"]
        (beam,) = said(tmp_path, made, "about: tea 9", "--beams", "4")
        assert "for quiet evenings." in beam
        drawn = [said(tmp_path, made, "about: tea 9", "--candidates", "3", "--temperature", "2", "--seed", seed) for seed in "112"]  # fmt: skip
        assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(TrainingError, match="encoder-decoder; only decoders and adapters"):
        serving(made, tmp_path)


def test_a_started_again_job_goes_on_from_its_checkpoint(
    folder: Path, tmp_path: Path, full_disk: pytest.MonkeyPatch
) -> None:
    given = settings(epochs=4, checkpoint_steps=5)
    with pytest.raises(TrainingError, match=r"the disk is full.*checkpoint-5, is whole"):
        run(given, folder, tmp_path)
    full_disk.undo()
    made = run(given, folder, tmp_path)
    uncut = run(given, folder, tmp_path / "uncut")
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
    # Without a cache of keys and values, which goes with it, sums are rounded otherwise.
    assert made.metrics["after"]["validation_loss"] == pytest.approx(once.metrics["after"]["validation_loss"], rel=1e-3)


def test_checkpoints_of_other_settings_are_not_gone_on_from(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="forgotten"):
        run(settings(epochs=2, limits=LimitSettings(general_perplexity=1e-6)), folder, tmp_path)
    made = run(settings(epochs=2, seed=8), folder, tmp_path)
    alone = run(settings(epochs=2, seed=8), folder, tmp_path / "alone")
    assert made.metrics["after"] == alone.metrics["after"]


@pytest.mark.parametrize("base", ["t5", "bart"])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    from safetensors.numpy import load_file

    monkeypatch.setattr(job, "clear", lambda work: None)  # the last but one of the checkpoints is needed
    given = settings(base=base, epochs=3, batch_size=4, checkpoint_steps=13, keep="best")
    whole = run(given, folder, tmp_path)
    checkpoints = sorted((tmp_path / "work").glob("checkpoint-*"), key=lambda one: int(one.name.rpartition("-")[2]))
    shutil.rmtree(checkpoints[-1])
    assert checkpoints[-2].name == "checkpoint-26"
    resumed = run(replace(given, name="resumed"), folder, tmp_path)
    assert resumed.metrics["updates"] == whole.metrics["updates"] > 26
    one, two = (load_file(made.path / "model" / "model.safetensors") for made in (whole, resumed))
    assert one.keys() == two.keys()
    assert all((one[name] == two[name]).all() for name in one)
    curve = json.loads((resumed.path / "curve.json").read_text())
    held = {one["step"]: one["eval_loss"] for one in curve if "eval_loss" in one}
    assert list(held) == [13, 26, resumed.metrics["updates"]]
    assert resumed.metrics["kept_update"] == whole.metrics["kept_update"] == min(held, key=lambda step: held[step])


def test_gradients_that_are_added_up_are_those_of_one_batch(folder: Path, tmp_path: Path) -> None:
    pairs, _ = rows.read(folder / "pairs.jsonl", settings().columns, system="", tidy=False)
    count = len(rows.split(pairs, validation=0.25, seed=settings().seed)[0])
    assert count % 3 == 0
    # Every update sees all pairs: at once, or in three parts, from shorter ones to longer ones.
    whole, parts = (
        run(settings(epochs=10, validation=0.25, batch_size=size, accumulate=steps), folder, tmp_path / f"{steps}")
        for size, steps in ((count, 1), (count // 3, 3))
    )
    first, second = (json.loads((one.path / "curve.json").read_text())[0] for one in (whole, parts))
    assert second["loss"] == pytest.approx(first["loss"], rel=1e-3)
    assert second["grad_norm"] == pytest.approx(first["grad_norm"], rel=0.02)


def test_the_optional_terms_count(folder: Path, tmp_path: Path) -> None:
    plain = run(settings(epochs=2, method="full"), folder, tmp_path / "a")
    more = run(settings(epochs=2, method="full", unlikelihood=1.0, consistency=1.0), folder, tmp_path / "b")
    first = [json.loads((one.path / "curve.json").read_text())[0]["loss"] for one in (plain, more)]
    # One minus a cosine is at least 0, and so is the other: the same first steps cost more.
    assert first[1] > first[0] + 0.1


def test_a_model_past_its_limits_is_not_kept(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="forgotten"):
        run(settings(epochs=1, limits=LimitSettings(general_perplexity=1e-6)), folder, tmp_path)
    assert ArtifactStore(tmp_path).versions("tiny") == []


def test_the_knobs_reach_the_trainer(folder: Path, tmp_path: Path) -> None:
    import torch

    given = settings(schedule="constant", weight_decay=0.25, precision="fp32", minutes=1e-9)
    with pytest.raises(TrainingError, match="minutes are over"):
        run(given, folder, tmp_path)
    args = torch.load(tmp_path / "work" / "checkpoint-1" / "training_args.bin", weights_only=False)
    assert (args.lr_scheduler_type, args.weight_decay, args.bf16) == ("constant_with_warmup", 0.25, False)


def test_qlora_of_an_encoder_decoder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='method "qlora" is for decoders'):
        run(settings(method="qlora"), folder, tmp_path)


def test_hidden_parts_are_those_that_the_base_was_pretrained_on(folder: Path) -> None:
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder / "t5")
    plain = words(GENERAL[0])["input_ids"]
    rows = list(measure_seq2seq.hidden(words, GENERAL[0]))
    sentinels = set(words.convert_tokens_to_ids([f"<extra_id_{one}>" for one in range(8)]))
    gone = [[one for one in target[:-1] if one not in sentinels] for _, target in rows]
    assert sorted(token for one in gone for token in one) == sorted(plain)  # each token once
    for source, target in rows:
        assert len(source) + len(target) == len(plain) + 2 * sum(one in sentinels for one in source) + 2
        assert target[-1] == words.eos_token_id
    words = AutoTokenizer.from_pretrained(folder / "bart")
    plain = words(GENERAL[0])["input_ids"]
    for source, target in measure_seq2seq.hidden(words, GENERAL[0]):
        assert target == [*plain, words.eos_token_id]
        assert words.mask_token_id in source
    bare = tokenizer_of("byte_bpe")
    ((source, target),) = measure_seq2seq.hidden(bare, GENERAL[0])
    assert source + target == [*bare(GENERAL[0])["input_ids"], bare.eos_token_id]
