"""A shop that does not say who it is writes to nobody but a folder."""

from typing import Any

import pytest

from zhanggui.config import check, template
from zhanggui.delivery.sender_identity import ChannelKind, is_placeholder, problems

FOLDER = ChannelKind(type="folder")
SMTP = ChannelKind(type="email", options={"host": "smtp.tea.cn"})
LOCAL = ChannelKind(type="email", options={"host": "127.0.0.1"})
ADDRESS, URL = "杭州市西湖区龙井路1号", "https://tea.cn/zhanggui"


def wrong(**given: Any) -> list[str]:
    """The settings that are complained about, by the first word of each complaint."""
    defaults: dict[str, Any] = {"address": ADDRESS, "public_url": URL, "channels": {"email": SMTP}}
    found = problems(**defaults | given)
    for problem in found:
        assert problem.chinese.split(" ")[0] == problem.english.split(" ")[0]
    return [problem.english.split(" ")[0] for problem in found]


def test_a_shop_that_says_who_it_is_may_write() -> None:
    assert wrong() == []


@pytest.mark.parametrize(
    "address",
    [
        "", "  ", "-", "1 Market Street, Springfield", " 1  market street, springfield. ", "Your address", "Your company, your city",
        "Street address", "123 Main Street, Anytown", "Any Street 5", "1 Example Street", "TODO", "tbd", "xxx", "<address>", "{address}", "[...]",
        "address", "N/A", "None", "placeholder", "示例路1号", "某某路1号", "某市某路", "XX路XX号", "您的地址", "你的公司地址", "请填写地址", "待填写", "地址",
    ],
)  # fmt: skip
def test_an_address_that_somebody_has_yet_to_write_is_a_placeholder(address: str) -> None:
    assert is_placeholder(address)
    assert wrong(address=address) == ["shop.address"]


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS, "12 Oak Avenue, Springfield, IL 62701", "11 Market Street, Springfield, VT", "1 Market Street, San Francisco",
        "1234 Main Street, Reno", "PO Box 7", "10 Downing St, London", "北京市朝阳区建国路88号", "Unit 3, Exampleton", "Yourk Road 7, City of Bath",
    ],
)  # fmt: skip
def test_a_real_address_is_none(address: str) -> None:
    assert not is_placeholder(address)


@pytest.mark.parametrize(
    "url", ["", "http://tea.cn/", "tea.cn", "https://", "ftp://tea.cn", "//tea.cn", "https:tea.cn", "https://[tea/"]
)
@pytest.mark.parametrize(
    "channel", [SMTP, LOCAL, ChannelKind(type="webhook", options={"url": "https://hooks.tea.cn/"})]
)
def test_a_public_url_that_is_not_https_is_refused(url: str, channel: ChannelKind) -> None:
    assert wrong(public_url=url, channels={"email": channel}) == ["shop.public_url"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/zhanggui", "https://EXAMPLE.org", "https://a.example.net.", "https://tea.example/", "https://tea.test", "https://localhost:8600",
        "https://tea.local", "https://127.0.0.1/", "https://10.0.0.8/", "https://[::1]/",
    ],
)  # fmt: skip
def test_a_public_url_that_is_nobodys_is_refused_where_mail_leaves_this_machine(url: str) -> None:
    assert wrong(public_url=url) == ["shop.public_url"]
    assert wrong(public_url=url, channels={"email": LOCAL, "sms": SMTP}) == ["shop.public_url"]
    assert wrong(public_url=url, channels={"email": LOCAL}) == []


@pytest.mark.parametrize(
    "url",
    ["https://myexample.com/", "https://example.com.cn/", "https://8.8.8.8/", "https://latest.cn", "HTTPS://tea.cn"],
)
def test_a_public_url_of_ones_own_is_none_of_those(url: str) -> None:
    assert wrong(public_url=url) == []


@pytest.mark.parametrize(
    ("options", "here"),
    [
        ({"host": "localhost"}, True),
        ({"host": "127.8.0.1"}, True),
        ({"host": "::1"}, True),
        ({"url": "http://127.0.0.1:9000/hook"}, True),
        ({"url": "http://localhost/hook"}, True),
        ({"host": "10.0.0.1"}, False),
        ({"host": "localhost.tea.cn"}, False),
        ({"url": "https://hooks.tea.cn/127.0.0.1"}, False),
        ({"url": "http://[x/"}, False),
        ({}, False),
    ],
)
def test_a_server_on_this_machine_is_known_by_its_host(options: dict[str, str], here: bool) -> None:
    found = wrong(public_url="https://shop.example.com", channels={"c": ChannelKind(type="any", options=options)})
    assert (found == []) == here


def test_a_placeholder_is_refused_on_this_machine_too_but_not_in_a_folder() -> None:
    assert wrong(address="", public_url="http://a", channels={"email": LOCAL}) == ["shop.address", "shop.public_url"]
    assert wrong(address="", public_url="http://a", channels={"email": FOLDER}) == []
    assert wrong(address="", public_url="http://a", channels={"email": FOLDER, "sms": SMTP}) == [
        "shop.address",
        "shop.public_url",
    ]
    assert wrong(address="", public_url="", channels={}) == []


def test_what_a_new_shops_settings_hold_is_known_as_nobodys() -> None:
    import tomllib

    shop = check(tomllib.loads(template()), source="new").shop
    assert wrong(address=shop.address, public_url=shop.public_url) == ["shop.address", "shop.public_url"]
