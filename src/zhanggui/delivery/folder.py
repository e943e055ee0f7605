"""Keeps messages as .eml files in a folder instead of sending them: to try a shop out, or for a mail system to pick up."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from zhanggui.content.message import Message
from zhanggui.delivery import mime
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.email import letterhead


class FolderChannel:
    """Writes each message to `folder`/MESSAGE-ID.eml; the same message again replaces itself."""

    def __init__(
        self,
        *,
        folder: str,
        sender: str,
        sender_name: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder, self._clock = Path(folder), clock
        self._letterhead = letterhead(sender, sender_name)

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Keep messages one by one."""
        for message in messages:
            try:
                content = mime.build(message, self._letterhead, now=self._clock())
                self._folder.mkdir(parents=True, exist_ok=True)
                (self._folder / f"{message.message_id}.eml").write_bytes(content)
            except ValueError as error:
                detail = f"no e-mail can be made of it: {error}"[:300]
                yield Receipt(message_id=message.message_id, outcome="rejected", detail=detail)
            except OSError as error:
                yield Receipt(message_id=message.message_id, outcome="retry", detail=str(error))
            else:
                yield Receipt(message_id=message.message_id, outcome="accepted", detail="kept")
