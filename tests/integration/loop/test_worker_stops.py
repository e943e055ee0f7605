"""A worker that ends leaves what it was at to the next one: no run fails by it, and nothing leaves twice."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from zhanggui.content.message import Message
from zhanggui.delivery.channel import Channel, Outcome
from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


def test_what_a_worker_was_at_when_it_ended_is_walked_on_by_the_next(open_sample: Callable[..., Engine]) -> None:
    def end_after_twenty(_message: Message) -> Outcome:
        if len(first.sent) == 20:
            engine.runs.stop()
        return "accepted"

    clock, first, second = FixedClock(NOW), MemoryChannel(end_after_twenty), MemoryChannel()
    channels: dict[str, Channel] = {"email": first}
    engine = open_sample(clock, model=FakeLLM("Tea, for quiet evenings."), channels=channels)
    run_id = engine.runs.start("welcome-back", moment=NOW)
    engine.runs.wait()
    left = engine.runs.status(run_id)
    assert (left.state, left.reason, len(first.sent)) == ("running", "", 21)
    assert engine.runs.deliver_due() == {}, "it would begin again"
    next_engine = open_sample(clock, model=FakeLLM("Tea, for quiet evenings."), channels={"email": second})
    clock.advance(timedelta(minutes=2))  # what was claimed is let go
    assert next_engine.runs.go_on() == [run_id]
    next_engine.runs.wait()
    assert next_engine.runs.status(run_id).state in ("waiting", "done")
    assert len(second.sent) > 20
    assert set(Counter(message.message_id for message in [*first.sent, *second.sent]).values()) == {1}


def test_a_worker_that_ends_takes_up_no_run(open_sample: Callable[..., Engine]) -> None:
    engine = open_sample(FixedClock(NOW), model=FakeLLM("Tea."), channels={"email": MemoryChannel()})
    begun = engine.runs.walks.begin("welcome-back", NOW)
    assert begun.own is not None
    with begun.own:
        pass
    engine.runs.stop()
    engine.runs.go_on()
    engine.runs.wait()
    assert engine.runs.status(begun.run_id).results == {}
