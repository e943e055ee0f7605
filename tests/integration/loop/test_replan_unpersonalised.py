"""What is logged and counted of those who refuse personalisation between the plan and the message."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from zhanggui.decisioning.decision import Decision
from zhanggui.engine import Engine
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NIGHT = datetime(2026, 3, 2, 15, tzinfo=UTC)  # eleven in the evening in Shanghai
Log = dict[str, Decision]


@pytest.fixture(scope="module")
def refused(
    tmp_path_factory: pytest.TempPathFactory, sample_shop: Callable[..., SampleShop]
) -> Iterator[tuple[Engine, Log, Log]]:
    """A run whose messages waited for the morning, by when everybody had refused: before and after, by customer."""
    shop = tmp_path_factory.mktemp("plain") / "shop"
    sample_shop(shop, NIGHT)
    fakes = {"model": FakeLLM("Tea, for quiet evenings."), "channels": {"email": MemoryChannel()}}
    with Engine.open(shop, clock=FixedClock(NIGHT), **fakes) as engine:
        run_id = engine.runs.run("welcome-back", moment=NIGHT).run_id
        before = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
        for who in before:
            engine.consents.record(
                customer_id=who, channel="*", purpose="personalisation", granted=False, at=NIGHT.isoformat(), how="call", text=""
            )  # fmt: skip
        engine.clock.advance(timedelta(hours=11))  # type: ignore[attr-defined]
        engine.runs.deliver_due()
        after = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
        yield engine, before, after


def test_propensities_of_the_arm_without_a_profile_are_those_it_is_drawn_with(
    refused: tuple[Engine, Log, Log],
) -> None:
    _, before, after = refused
    new = [(before[who], one) for who, one in after.items() if one.personalised != before[who].personalised]
    assert len(new) > 100
    # That the first draw was a message says nothing of the second one: both agree by chance alone.
    alike = sum(old.action == one.action for old, one in new)
    chance = np.array([one.propensity for _, one in new])
    assert abs(alike - chance.sum()) < 3 * np.sqrt((chance * (1 - chance)).sum())


def test_words_that_the_run_did_not_write_are_compared_with_nothing(
    refused: tuple[Engine, Log, Log], tmp_path: Path
) -> None:
    engine, _, _ = refused
    engine.clock.advance(timedelta(days=40))  # type: ignore[attr-defined]
    assert engine.campaigns.preferences(tmp_path / "rows.jsonl").clicks == 0
