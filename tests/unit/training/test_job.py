"""What a job does around a Trainer, without training anything."""

import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.training import job  # noqa: E402
from zhanggui.training.settings import (  # noqa: E402
    ClassifySettings,
    FinetuneSettings,
    PreferenceSettings,
    PretrainSettings,
    load,
)


class OneCheckpoint:
    """A Trainer that writes one checkpoint, with divided weights in a folder of their own."""

    def __init__(self, work: Path) -> None:
        self.folder = work / "checkpoint-1"
        self.model = torch.nn.Linear(1, 1)
        self.state = SimpleNamespace(global_step=1, max_steps=1, is_world_process_zero=True)

    def is_world_process_zero(self) -> bool:
        return False  # the first would write curves

    def add_callback(self, callback: Any) -> None:
        self.callback = callback

    def train(self, resume_from_checkpoint: str | None) -> None:
        (self.folder / "weights_0").mkdir(parents=True)
        (self.folder / "weights_0" / "__0_0.distcp").write_bytes(b"weights")
        args = SimpleNamespace(distributed_state=SimpleNamespace(wait_for_everyone=lambda: None))
        self.callback.on_save(args, self.state, SimpleNamespace())


def test_a_checkpoint_is_whole_when_the_folders_in_it_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk = []
    monkeypatch.setattr(job, "sync", on_disk.append)
    trainer = OneCheckpoint(tmp_path)
    job.run(trainer, tmp_path)
    weights = trainer.folder / "weights_0"
    assert {weights, weights / "__0_0.distcp", trainer.folder} == set(on_disk)
    assert job.last_checkpoint(tmp_path) == trainer.folder


class OutOfMemory(OneCheckpoint):
    """A Trainer that finds no room."""

    def train(self, resume_from_checkpoint: str | None) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("settings", "relief"),
    [(PretrainSettings, job.SMALLER_ROWS), (ClassifySettings, job.SMALLER_ROWS), (FinetuneSettings, job.SMALLER_BATCH),
     (PreferenceSettings, job.SMALLER_BATCH)],
)  # fmt: skip
def test_who_runs_out_of_memory_is_told_of_settings_that_the_job_has(
    tmp_path: Path, settings: type[Any], relief: str
) -> None:
    with pytest.raises(TrainingError) as error:
        job.run(OutOfMemory(tmp_path), tmp_path, relief=relief)
    told = re.findall(r"\w+_\w+|accumulate", str(error.value).partition("memory ran out")[2].partition(";")[0])
    assert "gradient_checkpointing" in told
    assert set(told) <= {field.name for field in fields(settings)}


def test_a_gpu_that_only_emulates_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    # What torch says of a T4 or a V100.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert job.device_options("auto")["bf16"] is False
    assert job.device_options("bf16")["bf16"] is True


@pytest.mark.parametrize("settings", [FinetuneSettings, PreferenceSettings, ClassifySettings])
def test_a_process_measures_as_many_rows_at_a_time_as_it_trains_on(
    settings: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    given = {"rows_at_once": 4} if settings is ClassifySettings else {}
    told = job.arguments(settings(name="one", base="base", data="rows.jsonl", batch_size=8, **given), tmp_path)
    assert told["per_device_train_batch_size"] == told["per_device_eval_batch_size"] == 4


def test_several_processes_divide_the_rows_that_one_would_compute_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = Path(__file__).parents[3] / "examples" / "pretrain-bert.toml"
    settings = load(file, PretrainSettings)
    assert "torchrun --nproc-per-node 2" in file.read_text(encoding="utf-8")
    assert settings.rows_at_once == settings.batch_size == 64
    monkeypatch.setenv("WORLD_SIZE", "2")
    told = job.arguments(settings, tmp_path)
    assert (told["per_device_train_batch_size"], told["gradient_accumulation_steps"]) == (32, 1)
