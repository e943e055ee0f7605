"""Whether a shop says who it is before it writes to customers: a postal address, and links that lead to its own server. Pure.

Laws ask for both (CAN-SPAM; 广告法 43; RFC 8058 wants https), and what `zhanggui init` writes is nobody's. Sends nothing.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PLACEHOLDER_ADDRESS = "1 Market Street, Springfield"
"""What a new shop's settings hold."""
_PLACEHOLDER = re.compile(
    r"\byour\b.*\b(?:address|street|city)\b|\b(?:street|postal|shop|company) address\b|\baddress here\b"
    r"|\b123 (?:main|fake|any) st|\bany\s?(?:town|street)\b|\b(?:example|sample) (?:street|st|road|city)\b"
    r"|\bplaceholder\b|\btodo\b|\btbd\b|\blorem ipsum\b|\bx{3,}\b|[<>{}\[\]]"
    r"|示例|某某|某[省市区县路街]|xx[省市区县路街号]|[你您]的(?:公司|店铺)?地址|请填写|待填",
    re.IGNORECASE,
)
_NOTHING = frozenset({"", "address", "n/a", "na", "none", "null", "test", "地址", "无", "测试"})
_EXAMPLE_DOMAINS = ("example.com", "example.org", "example.net", "example", "invalid", "test", "localhost", "local")
"""Of RFC 2606 and 6761: nobody's, or of one network only."""


@dataclass(frozen=True, kw_only=True)
class ChannelKind:
    """A channel as the settings name it."""

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class IdentityProblem:
    """What is wrong and what to do, in both languages."""

    english: str
    chinese: str


def problems(*, address: str, public_url: str, channels: Mapping[str, ChannelKind]) -> list[IdentityProblem]:
    """What keeps a shop from writing to customers over these channels; [] when nothing does, or all are folders."""
    leaving = [channel for channel in channels.values() if channel.type != "folder"]
    if not leaving:
        return []
    wrong = []
    if is_placeholder(address):
        wrong.append(
            IdentityProblem(
                english=f"shop.address is {address!r}, which is no postal address: write the shop's own, every marketing message names it",
                chinese=f"shop.address 是 {address!r}，不是真实的邮寄地址：请写上店铺自己的地址，每条营销消息都会注明它",
            )
        )
    host = _https_host(public_url)
    if not host:
        wrong.append(
            IdentityProblem(
                english=f"shop.public_url is {public_url!r}, which does not begin with https:// and a host: mailbox providers follow no other unsubscribe link",
                chinese=f"shop.public_url 是 {public_url!r}，不是以 https:// 加主机名开头：邮箱服务商不会打开其他退订链接",
            )
        )
    elif _is_nobodys(host) and not all(_is_on_this_machine(channel) for channel in leaving):
        wrong.append(
            IdentityProblem(
                english=f"shop.public_url is {public_url!r}, where no customer reaches this server: write the address at which it answers",
                chinese=f"shop.public_url 是 {public_url!r}，顾客在那里访问不到这台服务器：请写上它对外的网址",
            )
        )
    return wrong


def is_placeholder(address: str) -> bool:
    """Whether a postal address stands for one that somebody has yet to write."""
    text = " ".join(address.split())
    bare = text.strip(" .,;:-_*?/…。，").casefold()
    return bare in _NOTHING or bare == PLACEHOLDER_ADDRESS.casefold() or bool(_PLACEHOLDER.search(text))


def _https_host(url: str) -> str:
    """The host of an https link, in lower case; "" for any other link."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme == "https" else ""
    except ValueError:
        return ""


def _is_nobodys(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".")
        return any(name == domain or name.endswith(f".{domain}") for domain in _EXAMPLE_DOMAINS)


def _is_on_this_machine(channel: ChannelKind) -> bool:
    """Whether the channel speaks to a server on this machine, as who tries a shop out does."""
    options = channel.options
    try:
        host = options.get("host") or urlsplit(str(options.get("url"))).hostname
        return host == "localhost" or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False
