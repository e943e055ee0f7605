import importlib.util

import pytest

from zhanggui.errors import ModelError
from zhanggui.llm.connect import client


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_client_opens_without_a_proxy() -> None:
    with client(timeout=1.0) as opened:
        assert opened.timeout.read == 1.0


@pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="SOCKS works here")
def test_a_socks_proxy_without_its_package_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"SOCKS proxy .* pip install 'httpx\[socks\]', or unset"):
        client()


def test_a_proxy_that_is_none_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:secret@127.0.0.1:9")
    with pytest.raises(ModelError, match=r"proxy .* that is none") as raised:
        client()
    assert "secret" not in str(raised.value)
