from datetime import UTC, datetime
from pathlib import Path

import pytest

from zhanggui.content import copies
from zhanggui.content.brief import Brief
from zhanggui.content.copies import Examined
from zhanggui.content.settings import ContentSettings
from zhanggui.content.write import write
from zhanggui.errors import ArtifactError
from zhanggui.storage import ArtifactStore
from zhanggui.testing import FakeLLM

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
TEA = Brief(language="en", channel="email", tone="warm", about="Tea", product=(("size", "50 g"),))
CUP = Brief(language="zh", channel="email", tone="warm", about="茶杯")


def test_what_was_written_for_a_run_is_read_as_it_was(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    model = FakeLLM(["Tea, for quiet evenings.", "The best tea in the world."])
    written = write([TEA, CUP], model, languages=["en"], settings=ContentSettings())
    artifact = copies.keep(store, "run", written, settings=ContentSettings(), model="fake", now=NOW)
    assert copies.read(artifact) == dict(written.copies)
    assert artifact.config["model"] == "fake"
    assert (artifact.metrics["briefs"], artifact.metrics["from_model"]) == (2, 1)
    assert artifact.metrics["templates"] == {"zh:no_model": 1}
    examined = {candidate.text: candidate for candidate in copies.examined(copies.kept(store, "run"))}
    good, bad = examined["Tea, for quiet evenings."], examined["The best tea in the world."]
    assert good == Examined(brief=TEA, text=good.text, reasons=(), used=True)
    assert bad.reasons
    assert not bad.used


def test_of_a_run_that_wrote_nothing_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        copies.kept(ArtifactStore(tmp_path), "run")
