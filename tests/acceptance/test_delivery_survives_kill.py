"""The sending process is killed again and again; what the SMTP server took is counted."""

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import sqlalchemy as sa
from aiosmtpd.controller import Controller

from zhanggui.content.compose import message_id
from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.profiles.consent import Consent, record
from zhanggui.storage import Database

MESSAGES = 2_000
KILLS = 20
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class _Server:
    """Remembers each Message-ID that it accepted."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.accepted[message_from_bytes(envelope.content)["Message-ID"].strip("<>").partition("@")[0]] += 1
        return "250 taken"


def test_no_message_is_lost_and_none_sent_twice_but_those_whose_acceptance_was_cut_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    database = Database(url)
    database.migrate()
    with database.transaction() as connection:
        people = [f"customer-{number}" for number in range(MESSAGES)]
        agreed = [
            Consent(customer_id=who, channel="email", purpose="marketing", granted=True, at=NOW, how="test", text="yes")
            for who in people
        ]
        record(connection, agreed, now=NOW)
        assert outbox.enqueue(connection, [_message(who) for who in people], now=NOW) == MESSAGES
    server = _Server()
    controller = Controller(server, hostname="127.0.0.1", port=_free_port())
    controller.start()
    chance, kills = random.Random(1), 0
    try:
        while True:
            worker = subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("send_worker.py")),
                    url,
                    str(controller.port),
                    str(tmp_path / "events"),
                ]
            )
            before = server.accepted.total()
            goal = before + chance.randrange(5, MESSAGES // KILLS - 10)
            while kills < KILLS and worker.poll() is None and server.accepted.total() < goal:
                time.sleep(0.0005)
            if kills < KILLS and worker.poll() is None:
                time.sleep(chance.uniform(0, 0.004))
                worker.kill()
                kills += 1
            assert worker.wait(120) in (0, -9)
            with database.reading() as connection:
                due = outbox.next_due(connection, "run")
            if due is None:
                break
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    finally:
        controller.stop()
    with database.reading() as connection:
        rows = connection.execute(sa.select(outbox.outbox.c.message_id, outbox.outbox.c.in_doubt)).all()
        counts = outbox.counts(connection, "run")
    database.close()
    doubtful = {row.message_id for row in rows if row.in_doubt}
    twice = {one for one, times in server.accepted.items() if times > 1}
    print(
        f"{kills} kills, {server.accepted.total()} acceptances of {MESSAGES} messages, {len(doubtful)} in doubt, "
        f"{len(twice)} of them accepted twice, lost {MESSAGES - len(server.accepted)}"
    )
    assert kills >= KILLS
    assert counts.states == {"sent": MESSAGES}
    assert set(server.accepted) == {row.message_id for row in rows}
    assert twice <= doubtful
    assert len(doubtful) <= kills
    assert all(server.accepted[row.message_id] <= 1 + row.in_doubt for row in rows)


def _message(who: str) -> Message:
    return Message(
        message_id=message_id("run", who, "email"),
        run_id="run",
        customer_id=who,
        channel="email",
        address=f"{who}@example.com",
        language="en",
        subject="Hello",
        body="Hello.",
        send_at=NOW,
    )


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
