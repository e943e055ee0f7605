"""What the tests of several training jobs share."""

import errno
from pathlib import Path

import pytest

from zhanggui.training import job


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The disk is full when the checkpoint of update 10 is written; undo it to make room."""

    def sync(path: Path) -> None:
        if "checkpoint-10" in path.parts:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(job, "sync", sync)
    return monkeypatch
