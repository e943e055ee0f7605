"""Pause lets nothing new begin, wherever a run is; resume lets it go on there; cancel ends it for good."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.content.message import Message
from zhanggui.delivery import outbox
from zhanggui.delivery.channel import Outcome
from zhanggui.engine import Engine
from zhanggui.errors import FlowError, NotFoundError
from zhanggui.llm.model import ChatRequest
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai
MORNING = timedelta(hours=13)


class Scene:
    """A shop, and what happens with the third text that is asked for and with the twentieth message."""

    def __init__(self, open_sample: Callable[..., Engine]) -> None:
        self.at_third_text: Callable[[], object] = lambda: None
        self.at_twentieth_message: Callable[[], object] = lambda: None
        self.clock, self.channel = FixedClock(NOW), MemoryChannel(self._taken)
        self.engine = open_sample(self.clock, model=FakeLLM(self._answer), channels={"email": self.channel})

    def _answer(self, _request: ChatRequest, _number: int) -> str:
        if len(self._model.requests) == 3:
            happens, self.at_third_text = self.at_third_text, lambda: None
            happens()
        return "Tea, for quiet evenings."

    @property
    def _model(self) -> FakeLLM:
        model = self.engine.models.given
        assert isinstance(model, FakeLLM)
        return model

    def _taken(self, _message: Message) -> Outcome:
        if len(self.channel.sent) == 19:
            self.at_twentieth_message()
        return "accepted"


@pytest.fixture
def scene(open_sample: Callable[..., Engine]) -> Iterator[Scene]:
    return Scene(open_sample)


def test_a_run_that_is_paused_while_it_writes_stops_there_and_goes_on_there(scene: Scene) -> None:
    runs = scene.engine.runs
    scene.at_third_text = lambda: runs.pause("welcome-back", reason="a slip in the price")
    with pytest.raises(FlowError, match=r"is paused \(a slip in the price\); `zhanggui campaign resume"):
        runs.run("welcome-back", moment=NOW)
    (run_id,) = scene.engine.campaigns.all()[0].runs
    stopped = runs.status(run_id)
    assert (stopped.state, stopped.reason) == ("paused", "a slip in the price")
    assert tuple(stopped.results) == ("snapshot", "decide")
    assert runs.go_on() == [], "no worker goes on with it unasked"
    with pytest.raises(FlowError, match="is paused"):
        runs.run("welcome-back", moment=NOW)
    assert runs.resume(run_id) == [run_id]
    assert runs.status(run_id).reason == ""
    assert runs.go_on() == [run_id]
    runs.wait()
    assert runs.status(run_id).state == "waiting"
    assert {name: runs.status(run_id).results[name] for name in stopped.results} == stopped.results
    assert len(scene.channel.sent) > 100


def test_a_run_stops_in_whichever_step_it_is_paused_and_goes_on_with_that_one(scene: Scene) -> None:
    runs = scene.engine.runs

    def paused_in(stage: str) -> tuple[str, ...]:
        """What is recorded when a run is paused at the first progress of this stage."""
        stages = [stage]

        def report(name: str, _done: int, _total: int | None) -> None:
            if name in stages:
                stages.remove(name)
                runs.pause("welcome-back")

        with pytest.raises(FlowError, match="is paused"):
            runs.run("welcome-back", moment=NOW, progress=report)
        (run_id,) = runs.resume("welcome-back")
        return tuple(runs.status(run_id).results)

    assert paused_in("profiles") == ()
    assert paused_in("decisions") == ("snapshot",)
    assert paused_in("words") == ("snapshot", "decide")
    assert scene.channel.sent == []
    assert paused_in("messages") == ("snapshot", "decide", "write", "enqueue")
    assert scene.channel.sent == []
    runs.run("welcome-back", moment=NOW)
    assert len(scene.channel.sent) > 100


def test_messages_of_a_paused_run_wait_also_when_they_are_due(scene: Scene) -> None:
    runs = scene.engine.runs
    run_id = runs.run("welcome-back", moment=NOW).run_id
    sent = len(scene.channel.sent)
    assert runs.pause(run_id) == [run_id]
    scene.clock.advance(MORNING)
    assert runs.deliver_due() == {}
    with pytest.raises(FlowError, match="is paused"):
        runs.deliver(run_id)
    assert len(scene.channel.sent) == sent
    runs.resume("welcome-back")
    assert runs.deliver_due()[run_id].get("waiting", 0) == 0
    assert len(scene.channel.sent) > sent
    assert runs.status(run_id).state == "done"
    with pytest.raises(FlowError, match="no run of welcome-back is under way"):
        runs.pause("welcome-back")


def test_a_run_that_is_paused_while_it_sends_lets_no_further_message_go(scene: Scene) -> None:
    runs = scene.engine.runs
    scene.at_twentieth_message = lambda: runs.pause("welcome-back")
    with pytest.raises(FlowError, match="is paused"):
        runs.run("welcome-back", moment=NOW)
    assert len(scene.channel.sent) == 20
    scene.at_twentieth_message = lambda: None
    (run_id,) = runs.resume("welcome-back")
    assert runs.go_on() == [run_id]
    runs.wait()
    assert runs.status(run_id).state == "waiting"
    sent = [message.message_id for message in scene.channel.sent]
    assert len(sent) == len(set(sent)) > 100


def test_messages_of_a_cancelled_run_are_never_sent(scene: Scene) -> None:
    runs = scene.engine.runs
    run_id = runs.run("welcome-back", moment=NOW).run_id
    sent = len(scene.channel.sent)
    waiting = runs.status(run_id).results["deliver"]["waiting"]
    assert runs.cancel("welcome-back", reason="sold out") == [run_id]
    scene.clock.advance(MORNING)
    assert runs.deliver_due() == {}
    assert len(scene.channel.sent) == sent
    status = runs.status(run_id)
    assert (status.state, status.reason) == ("cancelled", "sold out")
    assert status.results["deliver"].get("waiting", 0) == 0
    with scene.engine.database.reading() as connection:
        assert outbox.counts(connection, run_id).refused["cancelled"] == waiting
    report = runs.report(run_id)
    assert (report.state, report.reason, report.refused["cancelled"]) == ("cancelled", "sold out", waiting)
    for again in (runs.pause, runs.resume, runs.cancel):
        with pytest.raises(FlowError, match="no run of"):
            again(run_id)
    for refused in (runs.deliver, runs.requeue):
        with pytest.raises(FlowError, match="was cancelled"):
            refused(run_id)
    with pytest.raises(FlowError, match="for good; run it for another moment"):
        runs.run("welcome-back", moment=NOW)


def test_a_run_that_is_cancelled_while_it_sends_ends_what_waits(scene: Scene) -> None:
    runs = scene.engine.runs
    scene.at_twentieth_message = lambda: runs.cancel("welcome-back")
    with pytest.raises(FlowError, match="was cancelled"):
        runs.run("welcome-back", moment=NOW)
    assert len(scene.channel.sent) == 20
    (run_id,) = scene.engine.campaigns.all()[0].runs
    with scene.engine.database.reading() as connection:
        counts = outbox.counts(connection, run_id)
    assert counts.states == {"sent": 20, "refused": counts.refused["cancelled"]}


def test_a_retry_of_a_cancelled_run_is_ended_by_the_next_round(open_sample: Callable[..., Engine]) -> None:
    def hesitates(_message: Message) -> Outcome:
        if not cancelled:
            cancelled.extend(engine.runs.cancel("welcome-back"))
        return "retry"

    cancelled: list[str] = []
    clock = FixedClock(NOW)
    model = FakeLLM("Tea, for quiet evenings.")
    engine = open_sample(clock, model=model, channels={"email": MemoryChannel(hesitates)})
    with pytest.raises(FlowError):
        engine.runs.run("welcome-back", moment=NOW)
    assert engine.runs.status(cancelled[0]).state == "cancelled"
    clock.advance(timedelta(hours=1))
    engine.runs.deliver_due()
    with engine.database.reading() as connection:
        assert set(outbox.counts(connection, cancelled[0]).states) == {"refused"}


def test_a_campaigns_name_means_all_its_runs_and_a_runs_id_that_one(scene: Scene) -> None:
    runs = scene.engine.runs
    first, second = (runs.run("welcome-back", moment=NOW - timedelta(hours=hours)).run_id for hours in (1, 0))
    assert runs.pause(second) == [second]
    states = {run_id: runs.status(run_id).state for run_id in (first, second)}
    assert states[second] == "paused"
    assert states[first] != "paused"
    if states[first] == "waiting":
        assert runs.cancel("welcome-back") == [first, second]
    with pytest.raises(NotFoundError, match="campaign 'no-such'"):
        runs.pause("no-such")


def test_the_command_line_pauses_resumes_and_cancels_in_both_languages(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = scene.engine.runs.run("welcome-back", moment=NOW).run_id

    def told(*words: str) -> str:
        command = ["campaign", *words, "-C", str(tmp_path / "shop")]
        return CliRunner().invoke(app, command, catch_exceptions=False).output

    assert told("pause", "welcome-back", "--reason", "a slip") == (
        f"{run_id} is paused; `zhanggui campaign resume {run_id}` lets it go on\n"
    )
    assert f"{run_id}  paused: a slip" in told("list")
    assert told("resume", run_id) == f"{run_id} may go on; a worker takes it up\n"
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "zh")
    assert f"{run_id} 已暂停" in told("pause", run_id)
    assert f"{run_id}  已暂停" in told("list")
    assert f"{run_id} 可以继续" in told("resume", run_id)
    assert told("cancel", "welcome-back", "--reason", "卖完了") == f"{run_id} 已取消\n"
    assert f"{run_id}  已取消：卖完了" in told("list")


def test_the_http_door_pauses_resumes_and_cancels(scene: Scene) -> None:
    run_id = scene.engine.runs.run("welcome-back", moment=NOW).run_id
    key = scene.engine.keys.create("test", scope="admin")
    with TestClient(create_app(scene.engine), headers={"Authorization": f"Bearer {key}"}) as client:
        paused = client.post("/v1/campaigns/welcome-back/pause", json={"reason": "a slip"})
        assert (paused.status_code, paused.json()) == (200, {"paused": [run_id]})
        run = client.get(f"/v1/runs/{run_id}").json()
        assert (run["state"], run["reason"]) == ("paused", "a slip")
        again = client.post(f"/v1/runs/{run_id}/pause")
        assert again.status_code == 409
        assert "no run of" in again.json()["detail"]
        assert client.post(f"/v1/runs/{run_id}/resume").json() == {"resumed": [run_id]}
        assert client.post(f"/v1/runs/{run_id}/cancel").json() == {"cancelled": [run_id]}
        assert client.get(f"/v1/reports/{run_id}").json()["state"] == "cancelled"
        assert client.post("/v1/campaigns/no-such/cancel").status_code == 404
