"""Dead letters as an operator and a program see them, and what becomes of them when they go again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


def run(shop: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["campaign", *arguments, "-C", str(shop)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_dead_letters_are_listed_with_their_reason_and_go_again_on_request(
    tmp_path: Path, sample_shop: Callable[..., SampleShop]
) -> None:
    shop, works = tmp_path / "shop", False
    sample_shop(shop, NOW)
    with (shop / "zhanggui.toml").open("a") as settings:
        settings.write("[model]\nlanguages = []\n")
    channel = MemoryChannel(lambda message: "accepted" if works and message.language == "en" else "rejected")
    with Engine.open(shop, channels={"email": channel}, clock=FixedClock(NOW)) as engine:
        done = engine.runs.run("welcome-back", moment=NOW)
        run_id, count = done.run_id, done.results["deliver"]["dead"]
        key = engine.keys.create("test", scope="admin")
        with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
            assert client.get("/v1/runs/none/dead").status_code == 404
            found = client.get(f"/v1/runs/{run_id}/dead").json()
            assert len(found) == count > 20
            assert {(one["reason"], one["attempts"]) for one in found} == {("fake: rejected", 1)}
            works = True
            assert client.post(f"/v1/runs/{run_id}/dead/requeue").json() == {"requeued": count}
            assert client.get(f"/v1/runs/{run_id}/dead").json() == []
        states = engine.runs.deliver_due()[run_id]
        assert states["sent"] == len(channel.sent) > 0
        assert states["sent"] + states["dead"] == count
        assert len(engine.runs.dead(run_id)) == states["dead"] > 0
    listed = run(shop, "dead", run_id).splitlines()
    assert len([parts for parts in listed if "fake: rejected" in parts and "@" in parts]) == states["dead"]
    assert "--requeue" in listed[-1]
    assert json.loads(run(shop, "dead", run_id, "--json"))[0]["reason"] == "fake: rejected"
    # Months later by the clock of the command line: what has expired is not sent, and that is said.
    told = run(shop, "dead", run_id, "--requeue")
    assert f"{states['dead']} tried again" in told
    assert f"sent {states['sent']}, refused " in told
    assert "no dead letters" in told
