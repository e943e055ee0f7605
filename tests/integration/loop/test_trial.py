"""`campaign test`: one real message to the operator, which is no contact and leaves nothing behind."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.delivery.outbox import outbox
from zhanggui.engine import Engine
from zhanggui.errors import DeliveryError, InputError, NotFoundError
from zhanggui.profiles.build import NAME
from zhanggui.profiles.consent_table import consents
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel
from zhanggui.touches.contacts import contacts

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
OPERATOR = "keeper@shop.example.com"


@pytest.fixture
def channel() -> MemoryChannel:
    return MemoryChannel()


@pytest.fixture
def engine(open_sample: Callable[..., Engine], channel: MemoryChannel) -> Iterator[Engine]:
    return open_sample(FixedClock(NOW), model=FakeLLM("A good thing for quiet evenings."), channels={"email": channel})


def rows(engine: Engine) -> dict[str, int]:
    with engine.database.reading() as connection:
        counted = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (outbox, contacts, consents)
        }
    artifacts = engine.runs.parts.artifacts.versions(NAME)
    return counted | {"snapshots": len(artifacts), "log": engine.events.log.position()}


def test_one_real_message_goes_to_the_operator_and_counts_nowhere(engine: Engine, channel: MemoryChannel) -> None:
    before = rows(engine)
    first, second = (engine.campaigns.test("welcome-back", to=f" {OPERATOR} ") for _ in range(2))
    assert channel.sent == [first.message, second.message]
    assert first.message.message_id != second.message.message_id
    assert first.message.address == OPERATOR
    assert first.message.subject.startswith("【测试】")
    assert "/unsubscribe/" in first.message.body
    assert first.receipt.outcome == "accepted"
    assert rows(engine) == before
    assert engine.campaigns.all()[0].runs == ()


def test_the_link_in_a_test_message_withdraws_nobodys_consent(engine: Engine) -> None:
    message = engine.campaigns.test("welcome-back", to=OPERATOR, customer_id="customer-003").message
    of_customer = engine.customers.get("customer-003").consents
    assert message.customer_id.startswith("test:")
    engine.unsubscribe.withdraw(message.data["unsubscribe_url"].rsplit("/", 1)[1])
    assert engine.customers.get("customer-003").consents == of_customer


def test_a_test_message_reads_as_a_customer_would_read_it(engine: Engine) -> None:
    profiles = [engine.customers.get(f"customer-{number:03d}") for number in range(1, 60)]
    customer = next(one for one in profiles if one.profile["language"] == "en" and one.profile["first_name"])
    to_customer = engine.campaigns.test("welcome-back", to=OPERATOR, customer_id=customer.customer_id).message
    assert to_customer.subject.startswith("[Test] ")
    assert str(customer.profile["first_name"]) in to_customer.body
    assert (to_customer.proof["personalised"], to_customer.language) == (True, "en")
    to_stranger = engine.campaigns.test("welcome-back", to=OPERATOR).message
    assert (to_stranger.proof["personalised"], to_stranger.language) == (False, "zh")


def test_what_a_test_cannot_be_sent_to_or_for_is_said(engine: Engine, channel: MemoryChannel) -> None:
    with pytest.raises(InputError, match="no e-mail address"):
        engine.campaigns.test("welcome-back", to="nobody")
    with pytest.raises(InputError, match="does not use the channel 'sms'"):
        engine.campaigns.test("welcome-back", to=OPERATOR, channel="sms")
    with pytest.raises(NotFoundError, match="nobody"):
        engine.campaigns.test("welcome-back", to=OPERATOR, customer_id="nobody")
    engine.addresses.suppress(OPERATOR, channel="email", reason="asked for it", by="test")
    with pytest.raises(InputError, match="suppressed"):
        engine.campaigns.test("welcome-back", to=OPERATOR.upper())
    assert channel.sent == []


def test_a_test_by_http_and_by_command(engine: Engine, channel: MemoryChannel, tmp_path: Path) -> None:
    key = engine.keys.create("test", scope="admin")
    with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
        answer = client.post("/v1/campaigns/welcome-back/test", json={"to": OPERATOR}).json()
    assert answer["receipt"]["outcome"] == "accepted"
    assert [message.message_id for message in channel.sent] == [answer["message"]["message_id"]]
    with (engine.folder / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    command = ["campaign", "test", "welcome-back", "--to", OPERATOR, "-C", str(engine.folder)]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert f"sent to {OPERATOR} on email: 【测试】" in done.output
    told = json.loads(CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False).output)
    assert len(list((tmp_path / "shop" / "outbox").glob(f"{told['message']['message_id']}.eml"))) == 1


def test_a_test_that_is_not_taken_is_an_error_with_the_channels_words(engine: Engine) -> None:
    (engine.folder / "outbox").write_text("a file where a folder should be")
    with (engine.folder / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    command = ["campaign", "test", "welcome-back", "--to", OPERATOR, "-C", str(engine.folder)]
    with pytest.raises(DeliveryError, match="got no message: retry"):
        CliRunner().invoke(app, command, catch_exceptions=False)
