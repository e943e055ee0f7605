"""What one ingested event costs beside a log of millions: processor time and memory, by the library and by a file.

python benchmarks/one_event.py [--events 3000000]
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from profiles import AS_OF, scale
from zhanggui.engine import Engine
from zhanggui.events.day_file import FORMAT
from zhanggui.events.tables import event_files, event_ids, event_users
from zhanggui.profiles.identity_tables import contact_points, device_links, persons

NOW = datetime(2026, 10, 1, tzinfo=UTC)
_CHUNK = 20_000


def fill(engine: Engine, root: Path, events: int) -> None:
    """A shop with so many compacted events, and what was learned from them."""
    log = engine.events.log
    scale(log.root, events)
    files = [
        {
            "path": str(path.relative_to(log.root)),
            "day": path.parent.name,
            "row_count": 1,
            "added_at": AS_OF,
            "format": FORMAT,
        }
        for path in sorted(log.root.glob("*/*.parquet"))
    ]
    customers = events // 40
    with log.database.transaction() as connection:
        connection.execute(sa.insert(event_files), files)
        for start in range(0, events // 6, _CHUNK):  # a month of six
            ids = range(start, min(start + _CHUNK, events // 6))
            connection.execute(sa.insert(event_ids), [{"message_id": f"m{one}", "appended_at": NOW} for one in ids])
        for start in range(0, customers, _CHUNK):
            some = [f"c{one:07}" for one in range(start, min(start + _CHUNK, customers))]
            known = {"since": NOW - timedelta(days=1), "trusted": True}
            points = [{"customer_id": one, "channel": "email", "address": f"{one}@x.example"} for one in some]
            connection.execute(sa.insert(event_users), [{"id": one, "last_seq": 1} for one in some])
            connection.execute(sa.insert(persons), [{"customer_id": f"old-{one}", "person_id": one} for one in some])
            connection.execute(
                sa.insert(device_links), [{"anonymous_id": f"d-{one}", "customer_id": one, **known} for one in some]
            )
            connection.execute(
                sa.insert(contact_points), [{**point, "normal": point["address"], **known} for point in points]
            )


def main() -> None:
    """Print seconds of processor time an event, and the peak of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=3_000_000)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        Engine.create(Path(folder) / "shop")
        with Engine.open(Path(folder) / "shop", clock=lambda: NOW) as engine:
            fill(engine, Path(folder), events)
            hello = {
                "type": "identify",
                "userId": "c0000007",
                "anonymousId": "d-c0000007",
                "traits": {"email": "new@x.example"},
            }
            path = Path(folder) / "one.jsonl"
            print(f"{events:,} events; one more, an identify that links a device and gives an address:")
            for name in ("call", "file"):
                for number in range(3):
                    path.write_text(json.dumps(hello | {"messageId": f"{name}-{number}"}))
                    started = time.process_time()
                    if name == "call":
                        engine.events.collect({"batch": [json.loads(path.read_text())]})
                    else:
                        engine.events.ingest(path)
                    print(f"  by a {name}: {time.process_time() - started:.4f} s of processor time")
            print(
                f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, the making of the log included"
            )


if __name__ == "__main__":
    main()
