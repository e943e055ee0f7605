"""Messages a second from the outbox to a local SMTP server, and processor time a message from claim to receipt.

    python benchmarks/deliver.py [--messages 3000] [--workers 2] [--connections 1] [--reply-ms 0] [--database URL]

The server is a process of its own and its time is not counted; each worker is one, as `zhanggui worker` is.
"""

import argparse
import multiprocessing
import resource
import socketserver
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zhanggui.content.compose import message_id
from zhanggui.content.message import Message
from zhanggui.delivery import DeliverySettings, Pace, deliver, outbox
from zhanggui.delivery.email import EmailChannel
from zhanggui.events.log import EventLog
from zhanggui.events.settings import EventSettings
from zhanggui.profiles import consent
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database
from zhanggui.touches import Cap, ContactLimits
from zhanggui.touches.permit import Rules

NOW = datetime.now(UTC)


class Sink(socketserver.StreamRequestHandler):
    """Takes everything; each reply waits for `reply_s`."""

    reply_s = 0.0

    def handle(self) -> None:
        self._say("220 sink")
        inside = False
        for line in self.rfile:
            if inside:
                if line == b".\r\n":
                    inside = False
                    self._say("250 taken")
            elif line[:4].upper() == b"DATA":
                inside = True
                self._say("354 go on")
            elif line[:4].upper() == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, words: str) -> None:
        time.sleep(self.reply_s)
        self.wfile.write(f"{words}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 200
    daemon_threads = True


def sink(ready: Any, reply_s: float) -> None:
    Sink.reply_s = reply_s
    with Server(("127.0.0.1", 0), Sink) as server:
        ready.put(server.server_address[1])
        server.serve_forever()


def worker(url: str, folder: str, port: int, connections: int, done: Any) -> None:
    database = Database(url)
    begun = time.process_time()
    found = deliver(
        database,
        {"email": EmailChannel(host="127.0.0.1", port=port, security="none", sender="news@shop.example.com")},
        Rules(
            limits=ContactLimits(caps=(Cap(messages=2, days=7), Cap(messages=4, days=30)), quiet_channels=()),
            time_zone="UTC",
        ),
        EventLog(database, Path(folder), EventSettings()),
        clock=lambda: datetime.now(UTC),
        settings=DeliverySettings(),
        paces={"email": Pace(connections=connections)},
    )
    done.put((found.outcomes["sent"], time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def fill(database: Database, count: int) -> None:
    ids = [f"c{number}" for number in range(count)]
    said = [
        Consent(customer_id=who, channel="email", purpose="marketing", granted=True, at=NOW, how="form", text="yes")
        for who in ids
    ]
    with database.transaction() as connection:
        consent.record(connection, said, now=NOW)
        outbox.enqueue(
            connection,
            [
                Message(
                    message_id=message_id("run", who, "email"), run_id="run", customer_id=who, channel="email",
                    address=f"{who}@example.com", language="en", subject="Tea for quiet evenings",
                    body="Dear customer,\n\nour spring tea has come.\n\n--\nUnsubscribe: https://shop.example/u/abc",
                    data={"unsubscribe_url": "https://shop.example/u/abc", "time_zone": "Europe/Berlin"},
                )
                for who in ids
            ],
            now=NOW,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--reply-ms", type=float, default=0.0)
    parser.add_argument("--database", default="", help="default: SQLite in a temporary folder")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{folder}/shop.db"
        database = Database(url)
        database.migrate()
        fill(database, given.messages)
        database.close()
        ready, done = context.Queue(), context.Queue()
        server = context.Process(target=sink, args=(ready, given.reply_ms / 1000), daemon=True)
        server.start()
        arguments = (url, folder, ready.get(), given.connections, done)
        workers = [context.Process(target=worker, args=arguments) for _ in range(given.workers)]
        begun = time.perf_counter()
        for process in workers:
            process.start()
        results = [done.get() for _ in workers]
        wall = time.perf_counter() - begun
        for process in workers:
            process.join()
        server.terminate()
    sent, cpu = sum(one[0] for one in results), sum(one[1] for one in results)
    print(
        f"{sent} messages, {given.workers} workers x {given.connections} connections, {given.reply_ms:g} ms a reply: "
        f"{sent / wall:.0f} a second, {cpu / sent * 1000:.2f} ms of processor time each"
    )


if __name__ == "__main__":
    main()
