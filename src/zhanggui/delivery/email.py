"""E-mail over SMTP: one connection for a stream of messages, and a receipt that says what the server's reply means.

Knows how to reach the server; not whether a message may be sent.
"""

import os
import smtplib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Literal

from zhanggui.content.message import Message
from zhanggui.delivery import mime
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.mime import Letterhead
from zhanggui.delivery.smtp_reply import Reply, Verdict, judge
from zhanggui.delivery.smtp_session import CutOffError, Server, SmtpSession
from zhanggui.errors import DeliveryError

_DOT_PATIENCE = 10
"""The server may take so many times longer to answer the whole message: RFC 5321, 4.5.3.2, allows it ten minutes, for
who stops waiting earlier sends twice."""


class EmailChannel:
    """An SMTP server that takes our messages.

    `password_env` names the environment variable that holds the password. `security`: "starttls", "tls" (from the
    start) or "none" (a server on this machine). `timeout_s`: how long the server may take for a reply; for the reply
    to a whole message ten times as long. Raises DeliveryError when a setting is wrong.
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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if password_env and not os.environ.get(password_env):
            raise DeliveryError(f"the environment variable {password_env} holds no SMTP password")
        if security == "none" and user:
            raise DeliveryError('a password must not travel unprotected: use security "starttls" or "tls"')
        self._letterhead, self._clock = letterhead(sender, sender_name, reply_to), clock
        self._server = Server(
            host=host,
            port=port,
            security=security,
            timeout_s=timeout_s,
            dot_timeout_s=timeout_s * _DOT_PATIENCE,
            user=user,
            password_env=password_env,
        )

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Hand messages over one by one; a lost connection is opened again for the next."""
        session: SmtpSession | None = None
        try:
            for message in messages:
                try:
                    content = mime.build(message, self._letterhead, now=self._clock())
                    address = mime.address(message.address)
                except ValueError as error:
                    yield _receipt(message, Verdict(outcome="rejected"), f"no e-mail can be made of it: {error}")
                    continue
                if session is not None and not session.open:
                    session.quit()
                    session = None
                try:
                    session = session or SmtpSession(self._server)
                except (OSError, ValueError) as error:
                    yield _not_connected(message, error)
                    continue
                yield self._hand_over(session, message, address, content)
        finally:
            if session is not None:
                session.quit()

    def _hand_over(self, session: SmtpSession, message: Message, address: str, content: bytes) -> Receipt:
        if not address.isascii() and not session.takes_utf8:
            said = f"the mail server takes no address such as {address} (it lacks SMTPUTF8)"
            return _receipt(message, Verdict(outcome="rejected"), said)
        try:
            reply = session.hand_over(self._letterhead.sender, address, content)
        except CutOffError as error:
            return _receipt(message, Verdict(outcome="in_doubt" if error.stage == "dot" else "retry"), str(error))
        return _receipt(message, judge(reply), str(reply))


def letterhead(sender: str, name: str = "", reply_to: str = "") -> Letterhead:
    """Who writes, checked. Raises DeliveryError for an address that is none."""
    reply_to_name, reply_to_address = parseaddr(reply_to)
    if not sender.isascii() and not sender.rpartition("@")[0].isascii():
        raise DeliveryError(f"the e-mail channel cannot write as {sender!r}: what stands before the @ must be ASCII")
    try:
        return Letterhead(
            sender=mime.address(sender),
            name=name,
            reply_to=mime.address(reply_to_address) if reply_to else "",
            reply_to_name=reply_to_name,
        )
    except ValueError as error:
        raise DeliveryError(f"the e-mail channel cannot write as {sender!r}, reply to {reply_to!r}: {error}") from error


def _not_connected(message: Message, error: Exception) -> Receipt:
    """No message is at fault for a server that is away or offers no TLS, and no customer for one that refuses the shop."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        reply = Reply(stage="connect", code=error.smtp_code, text=said)
        return _receipt(message, judge(reply), str(reply))
    return _receipt(message, Verdict(outcome="retry"), f"{type(error).__name__}: {error}")


def _receipt(message: Message, verdict: Verdict, detail: str) -> Receipt:
    return Receipt(
        message_id=message.message_id,
        outcome=verdict.outcome,
        detail=detail[:300],
        bad_address=verdict.bad_address,
        policy=verdict.policy,
        slow_down_seconds=verdict.slow_down_seconds,
    )
