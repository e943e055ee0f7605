"""Each job on two processes under torchrun does what it does on one: as many updates, of the same rows, and one artifact.

The file is the test and, under torchrun, the program that it starts.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import job  # noqa: E402
from zhanggui.training.classify import classify  # noqa: E402
from zhanggui.training.finetune import finetune  # noqa: E402
from zhanggui.training.models import new_model  # noqa: E402
from zhanggui.training.preference import tune  # noqa: E402
from zhanggui.training.settings import (  # noqa: E402
    ClassifySettings,
    ColumnSettings,
    FinetuneSettings,
    LimitSettings,
    LoraSettings,
    PreferenceSettings,
    PretrainSettings,
    ShapeSettings,
    TokenizerSettings,
)
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("tea", "cup", "lamp", "soap", "book", "shoe", "hat", "bag", "pen", "rug")
WORDS = {"good": ("lovely", "works well", "fast and cheap"), "bad": ("broken", "too slow", "ugly and dear")}
ROWS = [
    {"prompt": f"about: {one} {n}", "completion": f"A {one} for quiet evenings.", "chosen": f"A {one} for quiet evenings.",
     "rejected": f"The BEST {one} ever!!!", "text": f"{one} number {n}: {word}, {label} buy", "label": label}
    for n, one in enumerate(GOODS)
    for label, words in WORDS.items()
    for word in words
]  # fmt: skip
ANY: dict[str, Any] = {"limits": LimitSettings(general_perplexity=1e9, repetition_4=1.0), "lora": LoraSettings(rank=4, dropout=0.0)}  # fmt: skip


def everything(folder: Path, out: Path) -> None:
    """Each job once, a few updates long."""
    places: dict[str, Any] = {"folder": folder, "artifacts": ArtifactStore(out), "now": NOW}
    decoder = FinetuneSettings(
        name="decoder", base="llama", data="rows.jsonl", epochs=1, batch_size=8, learning_rate=5e-3, validation=0.3, **ANY
    )  # fmt: skip
    finetune(decoder, work=out / ".work" / "decoder", **places)
    seq2seq = FinetuneSettings(
        name="seq2seq", base="t5", data="rows.jsonl", epochs=1, batch_size=8, learning_rate=5e-3, validation=0.3, **ANY
    )  # fmt: skip
    finetune(seq2seq, work=out / ".work" / "seq2seq", **places)
    preferred = PreferenceSettings(
        name="preferred", base="llama", data="rows.jsonl", epochs=1, batch_size=8, accumulate=1, learning_rate=5e-3, validation=0.3, **ANY
    )  # fmt: skip
    tune(preferred, work=out / ".work" / "preferred", **places)
    mood = ClassifySettings(
        name="mood", base="bert", data="rows.jsonl", columns=ColumnSettings(label="label"), epochs=2, batch_size=16, rows_at_once=8,
        learning_rate=1e-3, dropout=0.0, max_tokens=32, precision="fp32",
    )  # fmt: skip
    classify(mood, work=out / ".work" / "mood", **places)
    if job.processes() > 1:
        stopped(folder, out)


def stopped(folder: Path, out: Path) -> None:
    """A job that only the last process is told to stop, and what each process says."""
    from zhanggui.training.pretrain import pretrain

    asked = PretrainSettings(
        name="stopped", objective="causal", data="rows.jsonl", context=32, updates=5, batch_size=8, rows_at_once=4, precision="fp32",
        tokenizer=TokenizerSettings(vocabulary=400), shape=ShapeSettings(hidden=32, layers=1, heads=2), minutes=None if job.first() else 1e-9,
    )  # fmt: skip
    with pytest.raises(TrainingError) as error:
        pretrain(asked, folder=folder, artifacts=ArtifactStore(out), work=out / ".work" / "stopped", now=NOW)
    (out / f"said-by-{os.environ['RANK']}").write_text(str(error.value), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration, set_seed

    set_seed(0)
    folder = tmp_path_factory.mktemp("processes")
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    texts = [" ".join(one.values()) for one in ROWS]
    for kind, tokenizer in (("llama", "byte_bpe"), ("bert", "wordpiece")):
        words = train_tokenizer(texts, TokenizerSettings(kind=tokenizer, vocabulary=400), context=512, masked=kind == "bert")  # type: ignore[arg-type]  # fmt: skip
        shape = ShapeSettings(kind=kind, hidden=32, layers=1, heads=2)  # type: ignore[arg-type]
        new_model(shape, words, context=512).save_pretrained(folder / kind)
        words.save_pretrained(folder / kind)
    words = train_tokenizer(texts, TokenizerSettings(kind="bpe", vocabulary=400), context=128)
    words.save_pretrained(folder / "t5")
    T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(words), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, dropout_rate=0.0,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, decoder_start_token_id=words.pad_token_id,
        )
    ).save_pretrained(folder / "t5")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    out = tmp_path_factory.mktemp("alone")
    everything(folder, out)
    return ArtifactStore(out)


@pytest.fixture(scope="module")
def together(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    out = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__, str(folder), str(out)]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=900, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ArtifactStore(out)


def weights(made: Artifact) -> dict[str, Any]:
    from safetensors.numpy import load_file

    (file,) = (made.path / "model").glob("*.safetensors")
    found: dict[str, Any] = load_file(file)
    return found


@pytest.mark.parametrize("name", ["decoder", "mood"])
def test_two_processes_learn_what_one_does(alone: ArtifactStore, together: ArtifactStore, name: str) -> None:
    (one,), (two,) = alone.versions(name), together.versions(name)
    assert one.metrics["updates"] == two.metrics["updates"]
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    far = [abs(first[key] - second[key]).mean() for key in first]
    assert max(far) < 1e-4  # an update moves a weight by up to 1e-3 and more


@pytest.mark.parametrize("name", ["seq2seq", "preferred"])
def test_two_processes_learn_about_as_much_where_rows_come_in_another_order(
    alone: ArtifactStore, together: ArtifactStore, name: str
) -> None:
    (one,), (two,) = alone.versions(name), together.versions(name)
    assert one.metrics["updates"] == two.metrics["updates"]
    fell = [made.metrics["before"]["validation_loss"] - made.metrics["after"]["validation_loss"] for made in (one, two)]
    assert fell[1] == pytest.approx(fell[0], rel=0.1)


def test_all_processes_stop_after_the_update_in_which_one_is_told_to(together: ArtifactStore) -> None:
    first, last = ((together.root / f"said-by-{rank}").read_text(encoding="utf-8") for rank in (0, 1))
    kept = together.root / ".work" / "stopped" / "checkpoint-1"
    whole = f"the last checkpoint, {kept}, is whole; the same command goes on from it"
    assert first == f"stopped after update 1 of 5: another process was to stop; {whole}"
    assert last == f"stopped after update 1 of 5: the 1e-09 minutes are over; {whole}"


def test_a_batch_that_the_processes_cannot_divide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="batch_size 7 cannot be divided by 2 processes"):
        job.shared(7)
    with pytest.raises(TrainingError, match="batch_size 8 cannot be divided by rows_at_once 8 times 2 processes"):
        job.shared(8, rows_at_once=8)


def test_one_process_uses_one_of_several_gpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from transformers import TrainingArguments

    args = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=8, report_to=[], use_cpu=True)
    assert args.n_gpu == 0
    args._n_gpu = 2  # as on a machine with two
    job.begin(args, TokenizerSettings(), data_hash="", base="")
    assert args.train_batch_size == 8
    assert "one of 2 GPUs is used; for all: torchrun --nproc-per-node 2" in caplog.text


if __name__ == "__main__":
    everything(Path(sys.argv[1]), Path(sys.argv[2]))
