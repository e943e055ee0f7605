"""Unsubscribe links: ours are read for good, others never, and their pages say what happens."""

import pytest

from zhanggui.delivery.unsubscribe import Unsubscription, broken_page, page, read, token
from zhanggui.errors import NotFoundError

WISH = Unsubscription(customer_id="客\n1", channel="email", purpose="marketing", language="zh")
SECRET = b"pepper"


def test_a_token_says_what_was_wished_in_ascii_that_a_link_can_hold() -> None:
    text = token(WISH, SECRET)
    assert read(text, SECRET) == WISH
    assert text.isascii()
    assert not set(text) & set("=+/?&#% \n")


def test_links_of_former_releases_are_read() -> None:
    old = "WyJjMSIsICJlbWFpbCIsICJtYXJrZXRpbmciLCAiZW4iXQ.ocYNUB0t9AWbEiD14qJ4O0GCzN0xHWaUR_oE7Dh3SYA"
    wish = Unsubscription(customer_id="c1", channel="email", purpose="marketing", language="en")
    assert token(wish, SECRET) == old
    assert read(old, SECRET) == wish


@pytest.mark.parametrize("cut", [0, 1, 5, -1, -5])
def test_what_we_did_not_sign_is_none_of_ours(cut: int) -> None:
    text = token(WISH, SECRET)
    with pytest.raises(NotFoundError, match="not one of ours"):
        read(text[:cut], SECRET)
    with pytest.raises(NotFoundError):
        read(text, b"salt")
    with pytest.raises(NotFoundError):
        read("W10" + text[3:], SECRET)


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "茶.茶", "....", "W10.", "a" * 10_000])
def test_nonsense_is_none_of_ours(text: str) -> None:
    with pytest.raises(NotFoundError):
        read(text, SECRET)


def test_the_page_asks_before_it_withdraws_and_then_says_so() -> None:
    question = page("en", "Tea & Co", done=False)
    assert '<form method="post"><button>Yes, unsubscribe</button></form>' in question
    assert "No more news from Tea &amp; Co on this channel?" in question
    assert question.startswith('<!doctype html><html lang="en">')
    done = page("zh", "<茶>", done=True)
    assert "已退订。&lt;茶&gt;不会再通过此渠道给您发送营销消息。" in done
    assert "<form" not in done
    assert '<html lang="zh-CN">' in done
    assert "<title>退订</title>" in done
    assert "<h1>退订</h1>" in done


def test_the_page_behind_a_broken_link_says_in_both_languages_whom_to_ask() -> None:
    text = broken_page("<Tea>", "help@shop.example")
    assert "write to &lt;Tea&gt;, and we will unsubscribe you (help@shop.example)." in text
    assert "请联系&lt;Tea&gt;，我们会为您退订（help@shop.example）。" in text
    assert text.index('lang="zh-CN"><h1>') < text.index('lang="en"><h1>')
    bare = broken_page("Tea", "")
    assert "we will unsubscribe you." in bare
    assert "我们会为您退订。" in bare
    assert "<title>这个退订链接不完整 · This unsubscribe link is not whole</title>" in bare
