"""A shop whose settings name nobody's address or no https link: check says so, and no run begins."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.config import template
from zhanggui.engine import Engine
from zhanggui.testing import MemoryChannel

ADDRESS = "12 Orchard Lane, Cincinnati, OH 45202"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identity") / "shop"
    Engine.create(folder)
    with Engine.open(folder) as engine:
        engine.load_sample()
    return folder


@pytest.fixture
def shop(sample: Path) -> Path:
    """The sample shop, whose mail goes to a server on this machine, with the address of a new shop."""
    return configured(sample)


def configured(folder: Path, **settings: Any) -> Path:
    (folder / "zhanggui.toml").write_text(template(**{"smtp_port": 1} | settings), encoding="utf-8")
    return folder


def answered(*arguments: str, code: int) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return f"{done.output}{done.exception or ''}"


@pytest.mark.parametrize(("language", "word"), [("en", "which is no postal address"), ("zh", "不是真实的邮寄地址")])
def test_check_says_in_the_operators_language_what_is_wrong_and_exits_1(
    shop: Path, monkeypatch: pytest.MonkeyPatch, language: str, word: str
) -> None:
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", language)
    said = answered("check", "-C", str(shop), code=1)
    assert "shop.address" in said
    assert word in said
    assert "shop.public_url" not in said


def test_no_run_begins_by_any_door_until_the_shop_says_who_it_is(shop: Path) -> None:
    configured(shop, url="http://shop.cn")
    said = answered("campaign", "run", "welcome-back", "-C", str(shop), code=1)
    assert "shop.address" in said
    assert "shop.public_url" in said
    with Engine.open(shop) as engine:
        key = engine.keys.create("shop", scope="admin")
        answer = TestClient(create_app(engine)).post("/v1/campaigns/welcome-back/runs", auth=(key, ""))
        assert answer.status_code == 409
        assert "shop.address" in answer.json()["detail"]
        assert [campaign.runs for campaign in engine.campaigns.all()] == [()]
    configured(shop, address=ADDRESS)
    answered("check", "-C", str(shop), code=0)
    with Engine.open(shop) as engine:
        run_id = engine.runs.walks.begin("welcome-back").run_id
        assert [campaign.runs for campaign in engine.campaigns.all()] == [(run_id,)]


def test_only_the_channels_of_the_campaign_count_and_channels_that_were_given_do_not(shop: Path) -> None:
    with Engine.open(shop) as engine:
        assert engine.runs.walks.identity_problems(["sms"]) == ()
        assert len(engine.runs.walks.identity_problems(["sms", "email"])) == 1
    with Engine.open(shop, channels={"email": MemoryChannel()}) as engine:
        assert engine.runs.walks.identity_problems(["email"]) == ()
