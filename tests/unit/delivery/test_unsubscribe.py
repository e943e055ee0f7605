"""Unsubscribe links: what we signed is read back, everything else is refused, and the pages say it in two languages."""

import base64
import hashlib
import hmac
import json

import pytest

from zhanggui.delivery.unsubscribe import Unsubscription, broken_page, page, read, token
from zhanggui.errors import NotFoundError

SECRET = b"a secret of the shop"
WISH = Unsubscription(customer_id="顾客/1?", channel="email", purpose="marketing", language="zh")


@pytest.mark.parametrize("customer_id", ["a", "ab", "abc", "顾客/1?", 'a"b\\c'])
def test_a_token_says_what_was_signed(customer_id: str) -> None:
    wish = Unsubscription(customer_id=customer_id, channel="sms", purpose="service", language="en")
    assert read(token(wish, SECRET), SECRET) == wish


def test_a_token_stands_in_an_address_as_it_is() -> None:
    assert set(token(WISH, SECRET)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_link_that_was_sent_years_ago_still_works() -> None:
    payload = base64.urlsafe_b64encode(b'["ann", "email", "marketing", "en"]').decode().rstrip("=")
    signature = base64.urlsafe_b64encode(hmac.new(SECRET, payload.encode(), hashlib.sha256).digest()).decode()
    found = read(f"{payload}.{signature.rstrip('=')}", SECRET)
    assert (found.customer_id, found.channel, found.purpose, found.language) == ("ann", "email", "marketing", "en")


def _forged() -> list[str]:
    payload, _, signature = token(WISH, SECRET).partition(".")
    other = json.dumps(["another", "email", "marketing", "zh"]).encode()
    return [
        f"{base64.urlsafe_b64encode(other).decode().rstrip('=')}.{signature}",
        token(WISH, b"another secret"),
        payload,
        f"{payload}.",
        f"{payload}.{signature[:-2]}",
        f"{payload}.不是",
        "",
        ".",
    ]


@pytest.mark.parametrize("text", _forged())
def test_a_token_that_we_did_not_sign_withdraws_nothing(text: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        read(text, SECRET)
    assert str(caught.value) == "this unsubscribe link is not one of ours, or it was cut off"


def test_the_page_asks_with_one_button_and_confirms_without_one() -> None:
    asked, done = page("en", "Tea & Co", done=False), page("en", "Tea & Co", done=True)
    assert '<html lang="en">' in asked
    assert "<title>Unsubscribe</title>" in asked
    assert "<h1>Unsubscribe</h1><p>No more news from Tea &amp; Co on this channel?</p>" in asked
    assert asked.count('<form method="post"><button>Yes, unsubscribe</button></form>') == 1
    assert "<p>You are unsubscribed. Tea &amp; Co will not write to you on this channel any more.</p>" in done
    assert "<form" not in done


def test_the_page_is_in_the_language_of_the_message() -> None:
    asked, done = page("zh", "茶铺", done=False), page("zh", "茶铺", done=True)
    assert '<html lang="zh-CN">' in asked
    assert "<h1>退订</h1><p>不再接收茶铺在此渠道的资讯？</p>" in asked
    assert '<form method="post"><button>确认退订</button></form>' in asked
    assert "<p>已退订。茶铺不会再通过此渠道给您发送营销消息。</p>" in done


def test_a_broken_link_is_answered_in_both_languages_and_names_whom_to_write_to() -> None:
    found = broken_page("Tea & Co", "shop@tea.example")
    assert found.startswith('<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">')
    assert "<title>这个退订链接不完整 · This unsubscribe link is not whole</title>" in found
    assert found.count("<section lang=") == 2
    assert '<section lang="zh-CN"><h1>这个退订链接不完整</h1><p>它可能被截断' in found
    assert "</p><p>如果仍然不行，请联系Tea &amp; Co，我们会为您退订（shop@tea.example）。</p></section>" in found
    assert '<section lang="en"><h1>This unsubscribe link is not whole</h1><p>It may have been cut off' in found
    assert "write to Tea &amp; Co, and we will unsubscribe you (shop@tea.example).</p></section>" in found
    assert found.endswith("</body></html>")


def test_a_broken_link_of_a_shop_without_an_address_names_the_shop_alone() -> None:
    found = broken_page("Tea", "")
    assert "我们会为您退订。" in found
    assert "we will unsubscribe you." in found
