"""One message that cannot be written, permitted or built ends with its reason; the run goes on."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zhanggui.delivery import outbox
from zhanggui.delivery.folder import FolderChannel
from zhanggui.engine import Engine
from zhanggui.errors import TemplateError
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)  # a Monday, noon in Shanghai
MODEL = "Tea, for quiet evenings."


def with_template(shop: Path, text: str) -> None:
    path = shop / "zhanggui.toml"
    path.write_text(
        f"{path.read_text(encoding='utf-8')}\n[content.templates]\n\"email.en\" = '''{text}'''\n\"email.zh\" = '''{text}'''\n",
        encoding="utf-8",
    )


def test_a_trait_that_breaks_the_template_costs_that_customer_the_message_only(
    open_sample: Callable[..., Engine], tmp_path: Path
) -> None:
    clock, channel = FixedClock(NOW), MemoryChannel()
    open_sample(clock, model=FakeLLM(MODEL), channels={"email": channel}).close()
    with_template(
        tmp_path / "shop",
        "{{ pitch }}{% if points contains '1' %}{{ points | divided_by: 0 }}{% endif %}\n--\n"
        "{{ shop.name }} {{ shop.address }} {{ shop.contact }} {{ unsubscribe_url }}",
    )
    engine = open_sample(clock, model=FakeLLM(MODEL), channels={"email": channel})
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    with engine.database.reading() as connection:
        counts = outbox.counts(connection, run_id)
    broken = {reason: count for reason, count in counts.refused.items() if reason.startswith("TemplateError: ")}
    assert sum(broken.values()) > 0
    assert len(channel.sent) == counts.states["sent"] > 0


def test_a_template_that_nobodys_message_can_be_made_of_fails_the_run(
    open_sample: Callable[..., Engine], tmp_path: Path
) -> None:
    clock = FixedClock(NOW)
    open_sample(clock, model=FakeLLM(MODEL), channels={"email": MemoryChannel()}).close()
    with_template(tmp_path / "shop", "{{ no_such_slot }}")
    engine = open_sample(clock, model=FakeLLM(MODEL), channels={"email": MemoryChannel()})
    with pytest.raises(TemplateError, match="no_such_slot"):
        engine.runs.run("welcome-back", moment=NOW)


def test_odd_addresses_cost_their_customers_the_message_only(
    open_sample: Callable[..., Engine], tmp_path: Path
) -> None:
    clock = FixedClock(NOW)
    folder = FolderChannel(folder=str(tmp_path / "out"), sender="news@shop.example.com")
    engine = open_sample(clock, model=FakeLLM(MODEL), channels={"email": folder})
    odd = [
        "jane@gmail.com.",
        "jane@gmail..com",
        f"jane@{'a' * 70}.com",
        "ja\u202ene@gmail.com",
        "jane",
        "@",
        '"@x.example',
    ]
    for number, address in enumerate(odd):
        event = {
            "type": "identify",
            "userId": f"odd-{number}",
            "messageId": f"e-{number}",
            "traits": {"email": address},
        }
        engine.events.collect({"batch": [event]})
        engine.consents.record(
            customer_id=f"odd-{number}", channel="email", purpose="marketing", granted=True, at=NOW.isoformat(), how="form", text="yes"
        )  # fmt: skip
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    with engine.database.reading() as connection:
        states = outbox.counts(connection, run_id).states
    assert states["sent"] > 50
    assert set(states) <= {"sent", "waiting", "dead", "refused"}
