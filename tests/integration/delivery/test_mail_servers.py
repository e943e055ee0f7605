"""Mail servers that blame the shop, take their time, keep mail without saying so, or refuse a few: with the outbox behind."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from example_messages import message
from fake_smtp import FakeSmtp, Rule
from zhanggui.delivery import DeliverySettings, deliver, outbox
from zhanggui.delivery.email import EmailChannel
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.storage import Database
from zhanggui.testing import FixedClock
from zhanggui.touches import contacts, flows
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.permit import Rules

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = Rules(limits=ContactLimits(), time_zone="UTC")


class Shop:
    """A run of service messages, one to each of these names at example.com, and a mail server to send them over."""

    def __init__(self, database: Database, folder: Path, server: FakeSmtp, names: list[str]) -> None:
        self.database, self.events = database, EventLog(database, folder / "events", EventSettings())
        self.clock = FixedClock(NOW)
        self.port = server.port
        with database.transaction() as connection:
            flows.open(connection, "run-1", kind="run", name="spring", version=1)
            outbox.enqueue(connection, [self._message(name) for name in names], now=NOW)

    def deliver(self, *, timeout_s: float = 5.0, **settings: Any) -> Counter[str]:
        channel = EmailChannel(
            host="127.0.0.1", port=self.port, sender="news@shop.example", security="none", timeout_s=timeout_s
        )
        done = deliver(
            self.database,
            {"email": channel},
            RULES,
            self.events,
            clock=self.clock if not settings else lambda: datetime.now(UTC),
            settings=DeliverySettings(**settings),
            run_id="run-1",
        )
        return done.outcomes

    def deliver_for(self, span: timedelta) -> None:
        for _ in range(span // timedelta(minutes=5)):
            self.deliver()
            self.clock.advance(timedelta(minutes=5))

    def states(self) -> dict[str, int]:
        with self.database.reading() as connection:
            return dict(outbox.counts(connection, "run-1").states)

    def suppressed(self) -> set[str]:
        with self.database.reading() as connection:
            names = {f"{name}@example.com" for name in ("nouser", "full", "quota", "spam", "ann", "a0", "over")}
            return set(contacts.suppressed(connection, "email", sorted(names)))

    @staticmethod
    def _message(name: str) -> Any:
        return message(
            message_id=f"m-{name}", customer_id=name, address=f"{name}@example.com", purpose="service", data={}
        )


def test_a_server_that_refuses_the_shop_pauses_the_run_suppresses_nobody_and_once_mended_all_leave(
    database: Database, tmp_path: Path
) -> None:
    names = [f"a{number}" for number in range(12)]
    with FakeSmtp(
        [Rule(at="rcpt", reply="553 5.7.1 <news@shop.example>: Sender address rejected: not owned")]
    ) as server:
        shop = Shop(database, tmp_path, server, names)
        shop.deliver()
        assert server.asked["rcpt"] == 5
        with database.reading() as connection:
            flow = flows.get(connection, "run-1")
        assert flow.state == "paused"
        assert "not owned" in flow.reason
        shop.deliver_for(timedelta(hours=1))
        assert server.asked["rcpt"] == 5
        assert shop.suppressed() == set()
        server.rules = []
        with database.transaction() as connection:
            flows.resume(connection, "run-1")
        shop.deliver_for(timedelta(hours=1))
        assert server.recipients == {f"{name}@example.com": 1 for name in names}


def test_of_many_troubles_only_a_missing_mailbox_is_the_customers(database: Database, tmp_path: Path) -> None:
    rules = [
        Rule(to="grey", at="rcpt", reply="450 4.7.1 Greylisted", times=1, each=True),
        Rule(to="over@", at="rcpt", reply="452 4.2.2 Mailbox full"),
        Rule(to="full@", at="rcpt", reply="552 5.2.2 Mailbox full"),
        Rule(to="quota@", at="rcpt", reply="550 5.4.5 Daily limit exceeded"),
        Rule(to="spam@", at="dot", reply="550 5.7.1 Likely unsolicited mail"),
        Rule(to="drop@", at="data", hang_up=True, times=1),
        Rule(to="dup@", at="dot", hang_up=True, keep=True, times=1),
        Rule(to="gone@", at="rcpt", reply="421 4.7.0 Closing", times=1),
        Rule(to="nouser@", at="rcpt", reply="550-5.1.1 No\n550 5.1.1 such user"),
    ]
    names = ["ann", "bob", "grey1", "grey2", "over", "full", "quota", "spam", "drop", "dup", "gone", "nouser"]
    with FakeSmtp(rules) as server:
        shop = Shop(database, tmp_path, server, [*names, "jane@gmail.com.", "zoe"])
        shop.deliver_for(timedelta(days=2))
        once = ["ann", "bob", "grey1", "grey2", "drop", "gone", "zoe"]
        assert server.recipients == {f"{name}@example.com": 1 for name in once} | {"dup@example.com": 2}
    # In the end only the two that the server holds against the shop, and a full mailbox, are left: that stops the run.
    assert shop.states() == {"sent": 8, "dead": 3, "waiting": 3}
    assert shop.suppressed() == {"nouser@example.com"}


def test_a_server_that_wants_a_rest_gets_it_from_the_whole_channel(database: Database, tmp_path: Path) -> None:
    with FakeSmtp([Rule(at="rcpt", to="a1", reply="421 4.7.0 Too many", times=1)]) as server:
        shop = Shop(database, tmp_path, server, ["a0", "a1", "a2", "a3"])
        assert shop.deliver()["sent"] == 1
        shop.clock.advance(timedelta(seconds=29))
        assert shop.deliver() == {}
        assert server.recipients == {"a0@example.com": 1}
        shop.clock.advance(timedelta(minutes=2))
        assert shop.deliver() == {"sent": 3}


def test_two_workers_and_a_server_slower_than_their_leases_make_one_copy_each(
    database: Database, tmp_path: Path
) -> None:
    slow = [Rule(at=stage, delay_s=0.2) for stage in ("mail", "rcpt", "data", "dot")]
    names = [f"a{number}" for number in range(6)]
    with FakeSmtp(slow) as server:
        shop = Shop(database, tmp_path, server, names)
        workers = [
            threading.Thread(target=shop.deliver, kwargs={"lease_seconds": 0.4, "expire_hours": 1e6, "batch": 3})
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert server.recipients == {f"{name}@example.com": 1 for name in names}
    assert shop.states() == {"sent": 6}


def test_mail_that_a_server_keeps_without_saying_so_goes_once_more_at_most(database: Database, tmp_path: Path) -> None:
    with FakeSmtp([Rule(at="dot", delay_s=30, keep=True)]) as server:
        shop = Shop(database, tmp_path, server, ["ann"])
        for _ in range(30):
            shop.deliver(timeout_s=0.1)
            shop.clock.advance(timedelta(minutes=7))
        assert server.recipients == {"ann@example.com": 2}
        assert len({mail.content.partition(b"Message-ID: ")[2][:30] for mail in server.taken}) == 1
    assert shop.states() == {"in_doubt": 1}
    assert shop.suppressed() == set()
