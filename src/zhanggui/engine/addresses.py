"""`engine.addresses`: addresses that must never be used again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zhanggui.errors import InputError
from zhanggui.storage import Database
from zhanggui.touches import contacts, suppression
from zhanggui.touches.suppression import Suppression


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses of a shop's customers, on the channels that it has set up."""

    database: Database
    channels: tuple[str, ...]
    clock: Callable[[], datetime]

    def suppress(self, address: str, *, channel: str, reason: str, by: str, lift: bool = False) -> Suppression:
        """Never use an address of a channel again, or `lift` that; who asked and why is kept. Raises InputError."""
        if channel not in self.channels:
            raise InputError(
                f"there is no channel {channel!r}", field="channel", hint=f"set up: {', '.join(self.channels)}"
            )
        address, reason = suppression.checked(address, reason, channel=channel)
        change = contacts.lift if lift else contacts.suppress
        with self.database.transaction() as connection:
            changed = change(connection, channel=channel, address=address, reason=reason, at=self.clock(), by=by)
            history = contacts.changes(connection, channel=channel, address=address)
        return Suppression(
            address=address, channel=channel, suppressed=not lift, changed=changed, history=tuple(history)
        )
