"""E-mail over SMTP: one connection for a stream of messages, one-click unsubscribe (RFC 8058), deterministic Message-ID.

Knows RFC 5321 and 5322; not whether a message may be sent.
"""

import html
import os
import re
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from zhanggui.content.message import Message
from zhanggui.delivery.channel import Receipt
from zhanggui.errors import DeliveryError

_BAD_ADDRESS = {550, 551, 553, 511, 501}
_CLOSING = 421
"""The server closes the connection: the next message needs a new one."""


class EmailChannel:
    """An SMTP server that takes our messages.

    `password_env` names the environment variable that holds the password. `security`: "starttls", "tls" (from the
    start) or "none" (a server on this machine). Raises DeliveryError when a setting is wrong.
    """

    def __init__(
        self,
        *,
        host: str,
        sender: str,
        port: int = 587,
        sender_name: str = "",
        reply_to: str = "",
        user: str = "",
        password_env: str = "",
        security: Literal["starttls", "tls", "none"] = "starttls",
        timeout_s: float = 30.0,
    ) -> None:
        if "@" not in sender or not sender.isprintable():
            raise DeliveryError(f"{sender!r} is no sender address for the e-mail channel")
        if password_env and not os.environ.get(password_env):
            raise DeliveryError(f"the environment variable {password_env} holds no SMTP password")
        if security == "none" and user:
            raise DeliveryError('a password must not travel unprotected: use security "starttls" or "tls"')
        self._host, self._port, self._security, self._timeout = host, port, security, timeout_s
        self._sender, self._name, self._reply_to = sender, sender_name, reply_to
        self._user, self._password_env = user, password_env

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Hand messages over one by one; a lost connection is opened again for the next."""
        server: smtplib.SMTP | None = None
        try:
            for message in messages:
                try:
                    mail = self.build(message)
                except ValueError as error:
                    yield _receipt(message, "rejected", f"it is no address: {error}", bad_address=True)
                    continue
                try:
                    server = server or self._connect()
                except (smtplib.SMTPException, OSError) as error:
                    # No message is at fault for a server that is away, offers no TLS or refuses our password.
                    yield _receipt(message, "retry", _said(error))
                    continue
                try:
                    server.send_message(mail, self._sender, [message.address])
                    yield _receipt(message, "accepted", "250")
                except smtplib.SMTPRecipientsRefused as error:
                    code, text = error.recipients[message.address]
                    server = None if code == _CLOSING else server
                    yield _receipt(message, _kind(code), _reply(code, text), bad_address=code in _BAD_ADDRESS)
                except smtplib.SMTPNotSupportedError as error:
                    yield _receipt(message, "rejected", str(error))
                except smtplib.SMTPResponseException as error:
                    server = None if error.smtp_code == _CLOSING else server
                    yield _receipt(message, _kind(error.smtp_code), _said(error))
                except (smtplib.SMTPException, OSError) as error:
                    # Cut off: perhaps it was accepted. It goes again, with the same Message-ID.
                    server = None
                    yield _receipt(message, "retry", _said(error))
        finally:
            if server is not None:
                _quit(server)

    def build(self, message: Message) -> EmailMessage:
        """The message as RFC 5322 text. Raises ValueError for an address that is none."""
        mail = EmailMessage(policy=SMTP)
        domain = self._sender.rpartition("@")[2]
        mail["From"] = Address(_line(self._name), addr_spec=self._sender)
        mail["To"] = Address(addr_spec=_checked(message.address))
        mail["Subject"] = _line(message.subject)
        mail["Date"] = format_datetime(message.send_at or datetime.now(UTC))
        mail["Message-ID"] = f"<{message.message_id}@{domain}>"
        if self._reply_to:
            mail["Reply-To"] = self._reply_to
        url = message.data.get("unsubscribe_url")
        if message.purpose == "marketing" and url:
            mail["List-Unsubscribe"] = f"<{url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail["List-Id"] = f"<{message.purpose}.{domain}>"
        mail["Feedback-ID"] = f"{message.run_id}:{message.purpose}:zhanggui"
        if message.proof.get("ai_label"):
            # Implicit label (GB 45438-2025): attribute, producer, content id.
            mail["X-AIGC"] = f'{{"Label":"1","ContentProducer":"{domain}","ProduceID":"{message.message_id}"}}'
        mail["Content-Language"] = "zh-CN" if message.language == "zh" else "en"
        mail.set_content(message.body)
        mail.add_alternative(_page(message), subtype="html")
        return mail

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, os.environ[self._password_env])
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server


def _receipt(
    message: Message, outcome: Literal["accepted", "retry", "rejected"], detail: str, *, bad_address: bool = False
) -> Receipt:
    return Receipt(message_id=message.message_id, outcome=outcome, detail=detail[:300], bad_address=bad_address)


def _kind(code: int) -> Literal["rejected", "retry"]:
    """RFC 5321, 4.2.1: 4yz may go well later, 5yz will not."""
    return "rejected" if code >= 500 else "retry"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _quit(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _line(text: str) -> str:
    """One header line: what could start another header is taken out."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text).split())


def _checked(address: str) -> str:
    if not re.fullmatch(r"[^\s<>\",;:\\()\[\]@\x00-\x1f]{1,64}@[^\s<>\",;:\\()\[\]@\x00-\x1f]{1,255}", address):
        raise ValueError(address[:80])
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise ValueError(address[:80]) from error


def _page(message: Message) -> str:
    """The plain text as accessible HTML: one column, real paragraphs, links that can be clicked."""
    text, _, footer = message.body.partition("\n--\n")
    font = "font:16px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;color:#222"
    parts = [f"<p>{_linked(part)}</p>" for part in text.strip().split("\n\n")]
    if footer:
        parts.append(f'<hr><p style="font-size:13px;color:#555">{_linked(footer.strip())}</p>')
    language = "zh-CN" if message.language == "zh" else "en"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{html.escape(message.subject)}'
        f'</title></head><body style="margin:0 auto;max-width:36em;padding:1em;{font}">{"".join(parts)}</body></html>'
    )


def _linked(text: str) -> str:
    safe = html.escape(text).replace("\n", "<br>")
    return re.sub(r"https?://[^\s<>&]+(?:&amp;[^\s<>&]+)*", lambda m: f'<a href="{m[0]}">{m[0]}</a>', safe)
