"""One connection to a mail server: hands messages over step by step, so that it is known how far each got.

Knows SMTP's commands (RFC 5321); not what a reply means.
"""

import os
import re
import selectors
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from zhanggui.delivery.smtp_reply import Reply, Stage

_QUIT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the mail server is and how to speak to it. `password_env` names the variable that holds the password."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    timeout_s: float
    """For each reply."""
    dot_timeout_s: float
    """For the reply to a whole message."""
    user: str = ""
    password_env: str = ""


class CutOffError(Exception):
    """The connection broke while `stage` had no answer. At "dot" the whole message was handed over."""

    def __init__(self, stage: Stage, cause: Exception) -> None:
        self.stage = stage
        asked = "the whole message" if stage == "dot" else stage.upper()
        super().__init__(f"cut off before the reply to {asked}: {cause}")


class SmtpSession:
    """An open connection. Raises OSError (SMTPException is one) or ValueError when it cannot be opened."""

    def __init__(self, server: Server) -> None:
        self._server = server
        if server.security == "tls":
            context = ssl.create_default_context()
            self._smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_s, context=context
            )
        else:
            self._smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        try:
            if server.security == "starttls":
                self._smtp.starttls(context=ssl.create_default_context())
            self._smtp.ehlo_or_helo_if_needed()
            if server.user:
                self._smtp.login(server.user, os.environ[server.password_env])
        except BaseException:
            self._smtp.close()
            raise

    @property
    def open(self) -> bool:
        """Whether the next message may go through it: what a server says unasked is that it is closing."""
        if self._smtp.sock is None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self._smtp.sock, selectors.EVENT_READ)
            return not selector.select(0)

    @property
    def takes_utf8(self) -> bool:
        """Whether addresses may hold more than ASCII before the @ (RFC 6531)."""
        return self._smtp.has_extn("smtputf8")

    def hand_over(self, sender: str, address: str, content: bytes) -> Reply:
        """The last reply: to the whole message, or to the step that the server refused. Raises CutOffError."""
        options = "" if address.isascii() else " SMTPUTF8 BODY=8BITMIME"
        steps: tuple[tuple[Stage, str, int], ...] = (
            ("mail", f"MAIL FROM:<{sender}>{options}", 2),
            ("rcpt", f"RCPT TO:<{address}>", 2),
            ("data", "DATA", 3),
        )
        for stage, command, wanted in steps:
            try:
                self._smtp.send(f"{command}\r\n".encode())
            except OSError as error:
                raise self._cut_off(stage, error) from error
            reply = self._reply(stage)
            if reply.code // 100 != wanted:
                self._forget()
                return reply
        try:
            self._smtp.send(re.sub(rb"^\.", b"..", content, flags=re.MULTILINE) + b".\r\n")
        except OSError as error:
            raise self._cut_off("data", error) from error  # without its final dot no server takes a message
        self._set_timeout(self._server.dot_timeout_s)
        reply = self._reply("dot")
        self._set_timeout(self._server.timeout_s)
        if not 200 <= reply.code < 600:
            self._smtp.close()
        return reply

    def quit(self) -> None:
        """Say good-bye and close."""
        with suppress(OSError):
            self._set_timeout(min(self._server.timeout_s, _QUIT_SECONDS))
            self._smtp.quit()
        self._smtp.close()

    def _reply(self, stage: Stage) -> Reply:
        try:
            code, text = self._smtp.getreply()
        except OSError as error:
            raise self._cut_off(stage, error) from error
        if code == 421:
            self._smtp.close()
        return Reply(stage=stage, code=code, text=text.decode("utf-8", "replace"))

    def _forget(self) -> None:
        """Have the server forget a message that it refused, before the next; or else hang up."""
        with suppress(OSError):
            if self._smtp.rset()[0] != 250:
                self._smtp.close()

    def _cut_off(self, stage: Stage, error: Exception) -> CutOffError:
        self._smtp.close()
        return CutOffError(stage, error)

    def _set_timeout(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)
