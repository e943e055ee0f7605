"""Visitor tokens: the recipe of the how-to makes good ones, and nothing else opens anything."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zhanggui.errors import AccessError
from zhanggui.service.visitor_token import read, sign

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = "a secret of the shop"
DAY = timedelta(hours=24)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(claims: Any, *, header: Any = None, secret: str = SECRET) -> str:
    signed = f"{part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def opened(text: str) -> str:
    return read(text, SECRET, now=NOW, longest=DAY)


EXPIRES = int((NOW + timedelta(hours=1)).timestamp())


def test_what_was_signed_is_read() -> None:
    assert opened(sign("顾客 7", SECRET, expires=NOW + timedelta(hours=1))) == "顾客 7"
    assert opened(token({"sub": "c1", "exp": EXPIRES, "iat": 1, "name": "more"})) == "c1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (token({"sub": "c1", "exp": EXPIRES}, secret="another"), "not signed"),
        (token({"sub": "c1", "exp": EXPIRES})[:-2], "not signed"),
        (token({"sub": "c1", "exp": EXPIRES}).replace(".", "..", 1), "not signed"),
        (token({"sub": "c1", "exp": EXPIRES}) + "=", "not signed"),
        ("", "not signed"),
        ("a.b.c", "not signed"),
        ("…", "not signed"),
        ("x" * 10_000, "not signed"),
        (token({"sub": "c1", "exp": EXPIRES}, header={"alg": "none"}), "HS256"),
        (token({"sub": 7, "exp": EXPIRES}), "sub"),
        (token({"sub": " ", "exp": EXPIRES}), "sub"),
        (token(["c1"]), "sub"),
        (token({"sub": "c1"}), "exp"),
        (token({"sub": "c1", "exp": "tomorrow"}), "exp"),
        (token({"sub": "c1", "exp": True}), "exp"),
        (token({"sub": "c1", "exp": 1e300}), "exp"),
        (token({"sub": "c1", "exp": int(NOW.timestamp()) - 61}), "expired"),
        (token({"sub": "c1", "exp": EXPIRES + 90_000}), "more than 24 hours"),
    ],
)
def test_a_token_that_is_not_good_opens_nothing(text: str, why: str) -> None:
    with pytest.raises(AccessError, match=why):
        opened(text)


def test_another_claim_does_not_fit_the_signature() -> None:
    header, _, signature = token({"sub": "c1", "exp": EXPIRES}).split(".")
    with pytest.raises(AccessError, match="not signed"):
        opened(f"{header}.{part({'sub': 'c2', 'exp': EXPIRES})}.{signature}")
