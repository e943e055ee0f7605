from pathlib import Path

import pytest

from zhanggui.config import FILE, choose_model, load, template
from zhanggui.errors import ConfigError


def shop(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_a_chosen_model_leaves_comments_and_other_keys_alone(tmp_path: Path) -> None:
    text = """# 我们的店
[shop]
name = "茶铺"  # as on the sign

[model]  # who writes
type = "local"
languages = ["en"]
options = { path = "/old.gguf", prompt = "brief", slots = 2 }  # two cores

[api]
requests_per_minute = 9
"""
    choose_model(shop(tmp_path, text), {"path": "/new.gguf"})
    written = (tmp_path / FILE).read_text(encoding="utf-8")
    for kept in ("# 我们的店", "# as on the sign", "# who writes", "# two cores", "requests_per_minute = 9"):
        assert kept in written
    settings = load(tmp_path).model
    assert settings.options == {"path": "/new.gguf", "slots": 2}
    assert settings.languages == ("en",)


def test_a_new_shop_gets_the_section(tmp_path: Path) -> None:
    choose_model(shop(tmp_path, template()), {"adapter": "/a.gguf", "prompt": "brief"}, languages=("en", "zh"))
    settings = load(tmp_path).model
    assert (settings.type, settings.languages) == ("local", ("en", "zh"))
    assert settings.options == {"adapter": "/a.gguf", "prompt": "brief"}
    assert "[channels.email]" in (tmp_path / FILE).read_text(encoding="utf-8")


def test_options_of_a_server_do_not_stay_with_a_local_model(tmp_path: Path) -> None:
    text = '[model]\ntype = "remote"\n\n[model.options]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\n'
    choose_model(shop(tmp_path, text), {"path": "/new.gguf"})
    assert load(tmp_path).model.type == "local"
    assert load(tmp_path).model.options == {"path": "/new.gguf"}


def test_a_wrong_choice_changes_nothing(tmp_path: Path) -> None:
    before = template()
    with pytest.raises(ConfigError, match="languages"):
        choose_model(shop(tmp_path, before), {"path": "/new.gguf"}, languages=("fr",))
    assert (tmp_path / FILE).read_text(encoding="utf-8") == before
    assert [one.name for one in tmp_path.iterdir()] == [FILE]
    with pytest.raises(ConfigError, match="there is no shop"):
        choose_model(tmp_path / "nowhere", {})


def test_a_key_by_its_former_name_is_read_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(FutureWarning, match="patience_seconds is called max_wait_seconds now"):
        config = load(shop(tmp_path, "[delivery]\npatience_seconds = 7.5\n"))
    assert config.delivery.max_wait_seconds == 7.5
