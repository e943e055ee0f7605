"""What the command line says in the place of a job's settings file."""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from zhanggui.cli.main import app
from zhanggui.cli.output import training_libraries

JOBS = {"finetune": "finetune.finetune", "preference": "preference.tune", "classify": "classify.classify"}


def test_files_that_preferences_are_read_from_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job.toml").write_text('name = "tiny"\nbase = "default"\ndata = "told"\n', encoding="utf-8")
    (tmp_path / "told").mkdir()
    for name in ("b.jsonl", "a.jsonl", "notes.txt"):
        (tmp_path / "told" / name).touch()
    monkeypatch.setattr("zhanggui.training.preference.tune", lambda *_, **__: None)
    done = CliRunner().invoke(
        app, ["train", "preference", "--config", str(tmp_path / "job.toml"), "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"reads a.jsonl, b.jsonl in {tmp_path / 'told'}"


def test_what_training_libraries_tell_their_developers_is_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    with training_libraries():
        pass
    for module in ("transformers.training_args", "zhanggui.training.job"):
        warnings.warn_explicit(f"of {module}", FutureWarning, "file.py", 1, module=module)
    assert [str(one.message) for one in recwarn] == ["of zhanggui.training.job"]


@pytest.mark.parametrize("job", JOBS)
def test_data_and_base_may_be_named_instead_of_the_files(
    job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.toml").write_text('name = "tiny"\nbase = "one"\ndata = "one.jsonl"\n', encoding="utf-8")
    (tmp_path / "two").mkdir()
    told: dict[str, Any] = {}

    def train(settings: Any, **places: Any) -> Any:
        told.update(vars(settings) | places)
        interval = {"accuracy": 0.5, "intervals": {"accuracy": (0.4, 0.6)}}
        alone = {"accuracy": 1.0, "intervals": {"accuracy": (None, None)}}  # a part of one text
        figures = dict.fromkeys(("preference_loss", "preference_accuracy", "preference_margin"), 0.5)
        metrics = {"before": {}, "after": {}, "validation": interval, "test": alone} | figures
        return SimpleNamespace(name="tiny", version="1", path=tmp_path, metrics=metrics)

    monkeypatch.setattr(f"zhanggui.training.{JOBS[job]}", train)
    monkeypatch.chdir(tmp_path)
    command = ["train", job, "--config", "job.toml", "--data", "two.jsonl", "--base", "two", "--out", "made"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert told["data"] == str(tmp_path / "two.jsonl")
    assert Path(told["base"]).name == "two"
    assert done.output.splitlines()[0].startswith("curves, while it trains: tensorboard --logdir made/.work/tiny ")
    if job == "classify":
        assert "  validation: accuracy 0.5000 (0.4000 to 0.6000)" in done.output
        assert "  test: accuracy 1.0000 (no interval: one text)" in done.output
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "zh")
    told = CliRunner().invoke(app, command).output
    assert told.startswith("训练时看曲线：tensorboard --logdir made/.work/tiny")
    assert ("测试集：accuracy 1.0000 (没有区间：只有一条文本)" if job == "classify" else "  训练前：") in told
