"""Keeps messages as .eml files in a folder instead of sending them: to try a shop out, or for a mail system to pick up."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from zhanggui.content.message import Message
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.email import EmailChannel


class FolderChannel:
    """Writes each message to `folder`/MESSAGE-ID.eml; the same message again replaces itself."""

    def __init__(self, *, folder: str, sender: str, sender_name: str = "") -> None:
        self._folder = Path(folder)
        self._mail = EmailChannel(host="", sender=sender, sender_name=sender_name)

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Keep messages one by one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for message in messages:
            try:
                content = self._mail.build(message).as_bytes()
                (self._folder / f"{message.message_id}.eml").write_bytes(content)
            except ValueError as error:
                yield Receipt(
                    message_id=message.message_id, outcome="rejected", detail=f"no address: {error}", bad_address=True
                )
            except OSError as error:
                yield Receipt(message_id=message.message_id, outcome="retry", detail=str(error))
            else:
                yield Receipt(message_id=message.message_id, outcome="accepted", detail="kept")
