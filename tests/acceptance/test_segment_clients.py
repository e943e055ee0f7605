"""Segment's own client libraries, pointed at a live server."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

EVENTS = 5_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A live `zhanggui serve`: its address, a write key, the shop's folder."""
    shop = tmp_path / "shop"
    _cli("init", str(shop))
    key = _cli("key", "create", "acceptance", "-C", str(shop)).strip().splitlines()[-1]
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "zhanggui", "serve", "-C", str(shop), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    else:
        process.kill()
        pytest.fail(f"the server did not start: {process.communicate()[0]!r}")
    yield url, key, shop
    process.terminate()
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def test_the_python_client_delivers_every_event_once(server: tuple[str, str, Path]) -> None:
    url, key, shop = server
    code = f"""
import datetime, segment.analytics as analytics
analytics.write_key, analytics.host, analytics.gzip = {key!r}, {url!r}, True
analytics.max_queue_size, analytics.timeout = 100_000, 60
failures = []
analytics.on_error = lambda error, items: failures.append(error)
at = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
for n in range({EVENTS}):
    analytics.track(user_id=f"customer-{{n % 500}}", event="Product Viewed", message_id=f"view-{{n}}", timestamp=at,
                    properties={{"product_id": f"p{{n % 60}}", "price": 9.9, "currency": "CNY", "名": "茶"}})
analytics.shutdown()
assert not failures, failures[:3]
"""
    for _ in range(2):  # the second time every message is a duplicate
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert _stored(url) == {"stored": EVENTS, "duplicate": EVENTS, "rejected": 0}
    assert _count(shop) == EVENTS


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm here to install @segment/analytics-node with")
def test_the_node_client_delivers_every_event_once(server: tuple[str, str, Path], tmp_path: Path) -> None:
    url, key, shop = server
    home = tmp_path / "node"
    home.mkdir()
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "@segment/analytics-node@3"]
    done = subprocess.run(install, cwd=home, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm could not install the client: {done.stderr[-200:]}")
    (home / "send.js").write_text(f"""
const {{ Analytics }} = require('@segment/analytics-node')
const analytics = new Analytics({{ writeKey: {json.dumps(key)}, host: {json.dumps(url)}, maxEventsInBatch: 100 }})
let failures = 0
analytics.on('error', () => failures++)
;(async () => {{
  for (let n = 0; n < {EVENTS}; n++) {{
    analytics.track({{ userId: `customer-${{n % 500}}`, event: 'Product Viewed', messageId: `node-${{n}}`,
                       timestamp: new Date('2026-01-01'), properties: {{ product_id: `p${{n % 60}}`, price: 9.9 }} }})
    if (n % 1000 === 999) await analytics.flush()
  }}
  await analytics.closeAndFlush()
  process.exit(failures ? 1 : 0)
}})()
""")
    for _ in range(2):
        done = subprocess.run(["node", "send.js"], cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert _count(shop) == EVENTS


def _stored(url: str) -> dict[str, int]:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    found = [line for line in lines if line.startswith("zhanggui_events_total{")]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in found}


def _count(shop: Path) -> int:
    from zhanggui import Engine

    with Engine.open(shop) as engine, engine.events.log.read() as events:
        return int(events.count().to_pyarrow().as_py())


def _cli(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "zhanggui", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
