"""Consents from JSON lines: customer_id, channel, purpose, granted, at, how, text, maybe the address that was named. Bad
lines go to the reject file.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.errors import ConsentError, EventError
from zhanggui.events.ids import identifier
from zhanggui.profiles.consent import ANY_CHANNEL, Consent, check
from zhanggui.storage import RejectFile

_FIELDS = frozenset({"customer_id", "channel", "purpose", "granted", "at", "how", "text", "address"})


def read_consents(
    path: Path, *, now: datetime, rejects: RejectFile, channels: Sequence[str] | None = None
) -> Iterator[Consent]:
    """The good consents of a file, in order; `now` is when they are taken in, `channels` those that there are."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield from_data(json.loads(line), now=now, channels=channels)
            except ConsentError as error:
                rejects.add(error.at(str(path), number), line)
            except (ValueError, RecursionError) as error:
                rejects.add(ConsentError(f"it is not JSON: {error}").at(str(path), number), line)


def from_data(data: Any, *, now: datetime, channels: Sequence[str] | None = None) -> Consent:
    """One consent from plain data, on one of these channels. Raises ConsentError naming the field."""
    if not isinstance(data, Mapping):
        raise ConsentError("it is not an object", hint="one JSON object a line")
    if unknown := set(data) - _FIELDS:
        raise ConsentError("there is no such field", field=sorted(unknown)[0], hint=", ".join(sorted(_FIELDS)))
    values = {"text": "", "address": "", **data, "customer_id": _customer_id(data.get("customer_id"))}
    for name in ("channel", "purpose", "how", "text", "address"):
        if not isinstance(values.get(name), str):
            raise ConsentError("it is missing or not a text", field=name)
    if channels is not None and values["channel"] not in (*channels, ANY_CHANNEL):
        close = difflib.get_close_matches(values["channel"], channels, n=1)
        nearest = f"did you mean {close[0]}? " if close else ""
        raise ConsentError(
            f"there is no channel {values['channel']!r}",
            field="channel",
            hint=f'{nearest}set up: {", ".join(channels) or "none"}; "*" is for personalisation',
        )
    if not isinstance(values.get("granted"), bool):
        raise ConsentError("it is neither true nor false", field="granted")
    try:
        at = values["at"] if isinstance(values.get("at"), datetime) else datetime.fromisoformat(str(values["at"]))
    except (KeyError, ValueError) as error:
        raise ConsentError("it is no moment", field="at", hint="such as 2026-01-31T12:00:00+08:00") from error
    return check(Consent(**{**values, "at": at}), now=now)


def _customer_id(value: Any) -> str:
    """The id as events have it: a number counts as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise ConsentError("it is no text", field="customer_id")
    try:
        customer_id = identifier(value, "customer_id")
    except EventError as error:
        raise ConsentError(f"it {error.problem}", field="customer_id", hint=error.hint) from None
    if customer_id is None:
        raise ConsentError("it is missing, or stands for nobody", field="customer_id", hint="the id that events name")
    return customer_id
