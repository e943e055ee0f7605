import asyncio
import base64
from datetime import UTC, datetime

import pytest

from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope
from zhanggui.api.key_check import KeyCheck, presented
from zhanggui.api.refused import RefusedError
from zhanggui.config import ApiSettings
from zhanggui.errors import AccessError, ScopeError

LIMITS = ApiSettings(wrong_keys_per_minute=3, requests_per_minute=5)


class Keys:
    """The keys "good" and "fine", and which came from a page."""

    def __init__(self) -> None:
        self.good = {"good", "fine"}
        self.asked: list[tuple[str, Scope, bool]] = []

    def __call__(self, key: str, *, scope: Scope, from_page: bool) -> ApiKey:
        self.asked.append((key, scope, from_page))
        if key not in self.good:
            raise AccessError("unknown")
        if scope == "admin":
            raise ScopeError("not for that")
        return ApiKey(key_id=key, label="", scope="write", created_at=datetime(2026, 1, 1, tzinfo=UTC), revoked_at=None)


def ask(check: KeyCheck, key: str, *, host: str = "192.0.2.1", needed: Scope = "write", origin: str = "") -> int | str:
    """The status that a request is refused with, or the id of its key."""
    headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
    if origin:
        headers.append((b"origin", origin.encode()))
    try:
        return asyncio.run(check.owner({"type": "http", "headers": headers, "client": (host, 1)}, needed)).key_id
    except RefusedError as error:
        return error.answer.status_code
    except ScopeError:
        return 403
    except AccessError:
        return 401


def test_wrong_keys_are_limited_by_address() -> None:
    keys = Keys()
    check = KeyCheck(keys, LIMITS)
    assert [ask(check, f"wrong-{n}") for n in range(5)] == [401, 401, 401, 429, 429]
    assert len(keys.asked) == 3, "beyond the limit the store is not asked"
    assert ask(check, "wrong", host="192.0.2.2") == 401


def test_of_ipv6_the_network_is_limited() -> None:
    check = KeyCheck(Keys(), LIMITS)
    assert [ask(check, "wrong", host=f"2001:db8::{n}") for n in range(4)] == [401, 401, 401, 429]
    assert ask(check, "wrong", host="2001:db8:0:1::1") == 401


def test_a_good_key_is_not_stopped_by_wrong_ones_of_a_neighbour() -> None:
    check = KeyCheck(Keys(), LIMITS)
    assert ask(check, "good") == "good"
    for _ in range(3):
        ask(check, "wrong")
    assert ask(check, "good") == "good"
    assert ask(check, "fine") == 429, "nobody knows yet that it is good"
    assert ask(check, "fine", host="192.0.2.2") == "fine"


def test_a_key_that_was_closed_is_not_remembered_as_good() -> None:
    keys = Keys()
    check = KeyCheck(keys, LIMITS)
    ask(check, "good")
    keys.good.clear()
    assert [ask(check, "good") for _ in range(4)] == [401, 401, 401, 429]
    assert len(keys.asked) == 1 + 3


def test_no_key_and_a_good_key_of_another_scope_are_no_wrong_keys() -> None:
    check = KeyCheck(Keys(), LIMITS)
    for _ in range(4):
        assert ask(check, "") == 401
        assert ask(check, "good", needed="admin") == 403
    assert ask(check, "fine") == "fine"


def test_a_key_has_so_many_requests_a_minute() -> None:
    check = KeyCheck(Keys(), LIMITS)
    assert [ask(check, "good", host=f"192.0.2.{n}") for n in range(6)] == ["good"] * 5 + [429]
    assert ask(check, "fine") == "fine"


def test_a_page_is_known_by_its_origin() -> None:
    keys = Keys()
    ask(KeyCheck(keys, LIMITS), "good", origin="https://shop.example.com")
    ask(KeyCheck(keys, LIMITS), "good")
    assert keys.asked == [("good", "write", True), ("good", "write", False)]


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer zg_1", "zg_1"),
        ("bearer  zg_1 ", "zg_1"),
        (basic("zg_1:"), "zg_1"),
        (basic("zg_1:password"), "zg_1"),
        (basic("zg_1"), ""),
        (basic("zg_1:").replace("Basic", "BASIC"), "zg_1"),
        ("", ""),
        ("Bearer", ""),
        ("zg_1", ""),
        ("Digest zg_1", ""),
        ("Basic !!", ""),
        ("Basic /w==", ""),
        (basic(":zg_1"), ""),
    ],
)
def test_a_key_is_a_bearer_token_or_a_basic_user_name(header: str, key: str) -> None:
    assert presented(header) == key
