"""Several customers at one mailbox get one message of a campaign; who withdrew there gets none there."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime

from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)  # a Monday, noon in Shanghai


def join(engine: Engine, customer_id: str, email: str, *, granted: bool = True) -> None:
    event: dict[str, object] = {
        "type": "identify",
        "userId": customer_id,
        "messageId": f"i-{customer_id}",
        "traits": {"email": email},
    }
    event["timestamp"] = "2026-03-01T04:00:00Z"
    engine.events.collect({"batch": [event]})
    for agreed in (True, granted):
        engine.consents.record(
            customer_id=customer_id, channel="email", purpose="marketing", granted=agreed, at=NOW.isoformat(), how="form", text="yes"
        )  # fmt: skip


def test_three_customers_at_one_mailbox_get_one_message_and_it_is_the_smallest_ids(
    open_sample: Callable[..., Engine],
) -> None:
    channel = MemoryChannel()
    engine = open_sample(FixedClock(NOW), model=FakeLLM("Tea, for quiet evenings."), channels={"email": channel})
    for customer_id, email in (("zz-2", "home@z.example"), ("zz-3", "Home@Z.example"), ("zz-1", "HOME@z.example")):
        join(engine, customer_id, email)
    join(engine, "yy-1", "other@y.example")
    join(engine, "yy-2", "other@y.example", granted=False)
    everybody = {"audience": "orders == 0", "holdout": 0.0, "allow_nothing": False}
    engine.campaigns.apply(tomllib.loads(engine.campaigns.export("welcome-back")) | everybody)
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    decisions = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
    assert decisions["zz-1"].arm == "treated", decisions["zz-1"].reasons
    sent = {message.customer_id for message in channel.sent}
    assert "zz-1" in sent
    assert not sent & {"zz-2", "zz-3", "yy-1", "yy-2"}
    for customer_id in ("zz-2", "zz-3"):
        assert {code for codes in decisions[customer_id].reasons.values() for code in codes} >= {"same_address"}
        assert decisions[customer_id].arm == "suppressed"
    assert not any("same_address" in codes for codes in decisions["zz-1"].reasons.values())
    assert decisions["yy-1"].arm == "suppressed"
