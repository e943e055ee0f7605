"""A real SMTP server on this machine that keeps each message as an .eml file instead of passing it on.

For the demo and for trying a shop out. Knows nothing of the shop.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from pathlib import Path
from typing import Any

from zhanggui.errors import ConfigError


@dataclass(kw_only=True)
class MailSink:
    """Where the sink listens, and how many messages it took."""

    host: str
    port: int
    folder: Path
    received: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one message; named by its Message-ID, so that a repeated one replaces itself."""
        parsed = message_from_bytes(envelope.content, policy=default)
        identity = str(parsed["Message-ID"] or sha256(envelope.content).hexdigest())
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", identity.strip("<>").partition("@")[0])[:120]
        (self.folder / f"{name}.eml").write_bytes(envelope.content)
        self.received += 1
        return "250 kept"


@contextmanager
def mail_sink(folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[MailSink]:
    """Listen while the block lasts. Port 0 takes a free one. Raises ConfigError without the extra `demo`."""
    try:
        from aiosmtpd.controller import Controller
    except ModuleNotFoundError as error:
        raise ConfigError("the mail sink needs aiosmtpd; run: pip install 'zhanggui[demo]'") from error
    folder.mkdir(parents=True, exist_ok=True)
    sink = MailSink(host=host, port=port, folder=folder)
    controller = Controller(sink, hostname=host, port=port or _free_port(host))
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()


def _free_port(host: str) -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
