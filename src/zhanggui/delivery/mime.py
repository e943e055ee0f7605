"""A message as an e-mail (RFC 5322, MIME): its header fields, its text, and the same as a page. Pure.

Written without the standard library's `email`, which folds and encodes fields that mailbox providers read as they stand,
differently from one Python to the next. Knows no server; not whether a message may be sent.
"""

import base64
import binascii
import hashlib
import html
import json
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, urlsplit, urlunsplit

from zhanggui.content.message import Message
from zhanggui.delivery import encoded_words

_ATOM = r"[^\s<>\",;:\\()\[\]@.\x00-\x20\x7f-\x9f]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LOCAL = re.compile(rf"(?:{_ATOM}|\.)+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._=+-]{1,200}")
_URL = "/:;=?@!$&'()*+,%~-._[]"
"""Characters that stand for themselves in a link."""
_MAX_DOMAIN = 253
_MAX_LINE = 998
"""RFC 5322, 2.1.1: no line is longer."""


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """Who writes: the same for every message of a channel. `sender` and `reply_to` are addresses as `address` makes them."""

    sender: str
    name: str = ""
    reply_to: str = ""
    reply_to_name: str = ""

    @property
    def domain(self) -> str:
        """Of the sender."""
        return self.sender.rpartition("@")[2]


def build(message: Message, letterhead: Letterhead, *, now: datetime) -> bytes:
    """The message as it travels, sent `now`. Raises ValueError with what is wrong where no e-mail can be made of it."""
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise ValueError(f"{message.message_id[:80]!r} cannot be a Message-ID")
    text, page = _lines(message.body), _lines(_page(message))
    boundary = "=_" + hashlib.sha256(f"{message.message_id}\n{text}".encode()).hexdigest()[:32]
    fields = [*_fields(message, letterhead, now), ("Content-Type", f'multipart/alternative; boundary="{boundary}"')]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    parts = (_part(boundary, "plain", text), _part(boundary, "html", page))
    return head.encode() + b"\r\n" + b"".join(parts) + f"--{boundary}--\r\n".encode()


def address(text: str) -> str:
    """An e-mail address as SMTP takes it: its domain in ASCII (IDNA). Raises ValueError where it can be none."""
    local, at, domain = text.rpartition("@")
    if not at or not 1 <= len(local.encode()) <= 64 or not _LOCAL.fullmatch(local):
        raise ValueError(f"{text[:80]!r} is no e-mail address")
    try:
        ascii_domain = domain[: _MAX_DOMAIN + 1].encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"{text[:80]!r} is no e-mail address: its domain cannot be one") from error
    if len(ascii_domain) > _MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in ascii_domain.split(".")):
        raise ValueError(f"{text[:80]!r} is no e-mail address: its domain cannot be one")
    # Some providers gave out names such as "a..b", which SMTP takes in quotes only.
    return f"{local}@{ascii_domain}" if _DOT_ATOM.fullmatch(local) else f'"{local}"@{ascii_domain}'


def _fields(message: Message, letterhead: Letterhead, now: datetime) -> list[tuple[str, str]]:
    domain = letterhead.domain
    fields = [
        ("From", _mailbox(letterhead.name, letterhead.sender)),
        ("To", address(message.address)),
        ("Subject", encoded_words.unstructured(message.subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{message.message_id}@{domain}>"),
    ]
    if letterhead.reply_to:
        fields.append(("Reply-To", _mailbox(letterhead.reply_to_name, letterhead.reply_to)))
    url = message.data.get("unsubscribe_url")
    if message.purpose == "marketing" and url:
        fields.append(("List-Unsubscribe", f"<{_ascii_url(str(url))}>"))
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    fields.append(("List-Id", f"<{_token(message.purpose)}.{domain}>"))
    fields.append(("Feedback-ID", f"{_token(message.run_id)}:{_token(message.purpose)}:zhanggui"))
    if message.proof.get("ai_label"):
        # Implicit label (GB 45438-2025): attribute, producer, content id.
        label = {"Label": "1", "ContentProducer": domain, "ProduceID": message.message_id}
        fields.append(("X-AIGC", json.dumps(label, separators=(",", ":"))))
    return [*fields, ("MIME-Version", "1.0"), ("Content-Language", _tag(message))]


def _mailbox(name: str, addr_spec: str) -> str:
    phrase = encoded_words.phrase(name)
    return f"{phrase} <{addr_spec}>" if phrase else addr_spec


def _ascii_url(url: str) -> str:
    """The link in ASCII (RFC 3986), on one line however long. Raises ValueError for none, or one that no line can hold."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\x00-\x20\x7f<>]", url):
        raise ValueError(f"{url[:80]!r} is no link to unsubscribe")
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    link = url if url.isascii() else urlunsplit((parts.scheme, host, *(quote(part, safe=_URL) for part in parts[2:])))
    if len(link) > _MAX_LINE:
        raise ValueError(f"the link to unsubscribe has {len(link)} characters; a header line holds {_MAX_LINE}")
    return link


def _token(text: str) -> str:
    """A name for machines: what is not ASCII letters, digits, dot, line and underscore becomes a line."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)


def _tag(message: Message) -> str:
    return "zh-CN" if message.language == "zh" else "en"


def _lines(text: str) -> str:
    """The text with its lines ended as SMTP ends them."""
    return "\r\n".join(re.split(r"\r\n|\r|\n", text))


def _part(boundary: str, kind: str, text: str) -> bytes:
    encoding, content = _transfer(text)
    head = (
        f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    )
    return head.encode() + content + b"\r\n"


def _transfer(text: str) -> tuple[str, bytes]:
    """The text in 7 bits: as it is, quoted where that is shorter, else in base64."""
    data = text.encode()
    if text.isascii() and not re.search(r"[^\r\n\t -~]", text) and all(len(line) <= 76 for line in text.split("\r\n")):
        return "7bit", data
    if 6 * len(text.encode("ascii", "ignore")) > 5 * len(data):
        return "quoted-printable", _quoted(text)
    return "base64", base64.encodebytes(data).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _quoted(text: str) -> bytes:
    return b"\r\n".join(
        binascii.b2a_qp(line.encode(), istext=False).replace(b"=\n", b"=\r\n") for line in text.split("\r\n")
    )


def _page(message: Message) -> str:
    """The plain text as accessible HTML: one column, real paragraphs, links that can be clicked."""
    text, _, footer = message.body.partition("\n--\n")
    font = "font:16px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;color:#222"
    parts = [f"<p>{_linked(part)}</p>" for part in text.strip().split("\n\n")]
    if footer:
        parts.append(f'<hr><p style="font-size:13px;color:#555">{_linked(footer.strip())}</p>')
    return (
        f'<!doctype html><html lang="{_tag(message)}"><head><meta charset="utf-8"><title>{html.escape(message.subject)}'
        f'</title></head><body style="margin:0 auto;max-width:36em;padding:1em;{font}">{"".join(parts)}</body></html>'
    )


def _linked(text: str) -> str:
    safe = html.escape(text).replace("\n", "<br>")
    return re.sub(r"https?://[^\s<>&]+(?:&amp;[^\s<>&]+)*", lambda m: f'<a href="{m[0]}">{m[0]}</a>', safe)
