from pathlib import Path

import pytest

from zhanggui.access.secret import secret
from zhanggui.engine import Engine
from zhanggui.errors import NotFoundError
from zhanggui.storage import Database


@pytest.fixture
def database(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    database.migrate()
    yield database
    database.close()


def test_a_secret_is_made_once_and_each_name_has_its_own(database: Database) -> None:
    made = secret(database, "unsubscribe")
    assert len(made) == 64
    assert secret(database, "unsubscribe") == made
    assert secret(database, "unsubscribe", former="older") == made
    assert secret(database, "other") != made


def test_a_secret_from_before_is_taken_over(database: Database) -> None:
    assert secret(database, "unsubscribe", former="older") == "older"
    assert secret(database, "unsubscribe") == "older"


def _link(shop: Path) -> str:
    with Engine.open(shop) as engine:
        return engine.unsubscribe.url("customer", "email", "en").rsplit("/", 1)[1]


def test_links_that_a_key_file_signed_keep_working_and_the_file_is_not_needed_any_more(tmp_path: Path) -> None:
    for shop in ("old", "new"):
        Engine.create(tmp_path / shop)
    key = tmp_path / "old" / "data" / "secret.key"
    key.parent.mkdir()
    key.write_text("ab" * 32)
    link = _link(tmp_path / "old")
    key.unlink()
    with Engine.open(tmp_path / "old") as engine:
        assert "<button>" in engine.unsubscribe.page(link)
    with Engine.open(tmp_path / "new") as engine, pytest.raises(NotFoundError):
        engine.unsubscribe.page(link)


def test_a_secret_in_the_environment_signs_and_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Engine.create(tmp_path)
    monkeypatch.setenv("ZHANGGUI_SECRET", "from the environment")
    link = _link(tmp_path)
    assert _link(tmp_path) == link
    monkeypatch.delenv("ZHANGGUI_SECRET")
    with Engine.open(tmp_path) as engine, pytest.raises(NotFoundError):
        engine.unsubscribe.page(link)
