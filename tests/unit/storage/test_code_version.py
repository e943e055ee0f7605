import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import zhanggui
from zhanggui.storage.code_version import code_version, commit_of


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_checkout_says_its_commit_and_whether_its_code_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert commit_of(tmp_path) == ""
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == ""  # nothing is committed yet
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    commit = "+g" + git(tmp_path, "rev-parse", "--short=12", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert commit_of(tmp_path) == commit
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "model").write_text("what a job leaves is no code")
    assert commit_of(tmp_path) == commit
    (tmp_path / "src" / "b.py").write_text("2")
    assert commit_of(tmp_path) == f"{commit}.dirty"
    monkeypatch.setenv("PATH", "")
    assert commit_of(tmp_path) == ""


def test_the_version_says_the_checkout_that_the_package_runs_from() -> None:
    assert code_version() == version("zhanggui") + commit_of(Path(zhanggui.__file__).parents[2])


def test_no_import_starts_a_process() -> None:
    guard = "import os, sys; sys.addaudithook(lambda name, _: os._exit(1) if name == 'subprocess.Popen' else None)"
    assert (
        subprocess.run([sys.executable, "-c", f"{guard}; import zhanggui.storage, zhanggui.cli.main"]).returncode == 0
    )
