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
    with pytest.raises(NotFoundError, match=r"^this unsubscribe link is not one of ours, or it was cut off$"):
        read(text[:cut], SECRET)
    with pytest.raises(NotFoundError):
        read(text, b"salt")
    with pytest.raises(NotFoundError):
        read("W10" + text[3:], SECRET)


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "茶.茶", "....", "W10.", "a" * 10_000])
def test_nonsense_is_none_of_ours(text: str) -> None:
    with pytest.raises(NotFoundError):
        read(text, SECRET)


STYLE = (
    "<style>body{font:18px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;max-width:30em;margin:4em auto;padding:0 1em;color:#222}"
    "button{font:inherit;padding:.5em 1.5em;border:0;border-radius:.4em;background:#8a3b22;color:#fff}</style></head><body>"
)
HEAD = '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'


def test_the_page_asks_before_it_withdraws_and_then_says_so() -> None:
    assert page("en", "Tea & Co", done=False) == (
        f'<!doctype html><html lang="en">{HEAD}<title>Unsubscribe</title>{STYLE}<h1>Unsubscribe</h1>'
        '<p>No more news from Tea &amp; Co on this channel?</p><form method="post"><button>Yes, unsubscribe</button></form></body></html>'
    )
    assert page("zh", "<茶>", done=True) == (
        f'<!doctype html><html lang="zh-CN">{HEAD}<title>退订</title>{STYLE}<h1>退订</h1>'
        "<p>已退订。&lt;茶&gt;不会再通过此渠道给您发送营销消息。</p></body></html>"
    )


def test_the_page_behind_a_broken_link_says_in_both_languages_whom_to_ask() -> None:
    assert broken_page("<Tea>", "help@shop.example") == (
        f'<!doctype html><html lang="zh-CN">{HEAD}<title>这个退订链接不完整 · This unsubscribe link is not whole</title>{STYLE}'
        '<section lang="zh-CN"><h1>这个退订链接不完整</h1>'
        "<p>它可能被截断或改动过，所以什么也没有改变。请回到消息中，完整地打开或复制其中的退订链接。</p>"
        "<p>如果仍然不行，请联系&lt;Tea&gt;，我们会为您退订（help@shop.example）。</p></section>"
        '<section lang="en"><h1>This unsubscribe link is not whole</h1>'
        "<p>It may have been cut off or changed, so nothing was done. Please go back to the message and open or copy its whole unsubscribe link.</p>"
        "<p>If that does not help, write to &lt;Tea&gt;, and we will unsubscribe you (help@shop.example).</p></section></body></html>"
    )
    bare = broken_page("Tea", "")
    assert "we will unsubscribe you." in bare
    assert "我们会为您退订。" in bare
