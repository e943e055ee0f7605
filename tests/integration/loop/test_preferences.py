"""From two runs of the sample shop to a file that `zhanggui train preference` takes."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.engine import Engine
from zhanggui.errors import NotFoundError
from zhanggui.evaluation import preferences
from zhanggui.llm.model import ChatRequest
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


class Words:
    """A model that says one good and one forbidden thing, the good one anew in each run."""

    good = {"en": "for quiet evenings.", "zh": "留给安静的夜里。"}  # noqa: RUF012

    def __call__(self, request: ChatRequest, number: int) -> str:
        asked = request.messages[-1].content.splitlines()[0]
        if "写一句" in asked:
            about = asked.partition("“")[2].partition("”")[0]
            return f"{about}，全世界最好的东西。" if number else f"{about}，{self.good['zh']}"
        return f"{asked}, the best in the world." if number else f"{asked}, {self.good['en']}"


def test_runs_leave_comparisons_told_by_checks_and_by_clicks(
    tmp_path: Path, sample_shop: Callable[..., SampleShop]
) -> None:
    from zhanggui.training import comparisons

    sample_shop(tmp_path / "shop", NOW)
    with (tmp_path / "shop" / "zhanggui.toml").open("a") as settings:
        settings.write('[model]\nlanguages = ["en", "zh"]\n')
    clock, channel, words = FixedClock(NOW), MemoryChannel(), Words()
    model = FakeLLM(words)
    with Engine.open(tmp_path / "shop", model=model, channels={"email": channel}, clock=clock) as engine:
        engine.runs.run("welcome-back", moment=NOW)
        first = len(channel.sent)
        clock.advance(timedelta(days=30))
        words.good = {"en": "for early mornings.", "zh": "留给清早的自己。"}
        engine.runs.run("welcome-back", moment=clock())
        assert len(channel.sent) - first > 50
        # Everybody clicks on what the second run said, nobody on the first.
        clicks = [
            {
                "type": "track",
                "event": "Email Link Clicked",
                "messageId": f"click-{one.message_id}",
                "userId": one.customer_id,
                "timestamp": (clock() + timedelta(hours=1)).isoformat(),
                "properties": {"decision_id": one.decision_id},
            }
            for one in channel.sent[first:]
        ]
        clock.advance(timedelta(days=30))
        assert engine.events.collect({"batch": clicks}).errors == ()
        with engine.database.reading() as connection:
            runs = preferences.store.runs_of(connection, "welcome-back")
        shown = preferences.shown_by(engine.runs.parts, runs)
        assert sum(one.sent for one in shown) == len(channel.sent)
        assert all(one.clicked == (one.sent if _second(one.text) else 0) for one in shown)
        file = tmp_path / "rows.jsonl"
        counts = engine.campaigns.preferences(file, ["welcome-back"], minimum=5)
        with pytest.raises(NotFoundError, match="no campaign"):
            engine.campaigns.preferences(file, ["nothing"])
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert Counter(one["source"] for one in rows) == asdict(counts)
    assert counts.checks > 1
    assert counts.clicks >= 1
    for one in rows:
        if one["source"] == "checks":
            assert "best in the world" in one["rejected"] or "最好" in one["rejected"]
        else:
            assert _second(one["chosen"])
            assert not _second(one["rejected"])
    read, _ = comparisons.read(file)
    assert len(read) == len(rows)
    assert not any(f"customer-{n:03d}" in file.read_text(encoding="utf-8") for n in range(500))


def _second(text: str) -> bool:
    return "early" in text or "清早" in text
