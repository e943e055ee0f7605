"""Consents from JSON lines: customer_id, channel, purpose, granted, at, how, text. Bad lines go to the reject file."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.errors import ConsentError
from zhanggui.profiles.consent import Consent, check
from zhanggui.storage import RejectFile

_FIELDS = frozenset({"customer_id", "channel", "purpose", "granted", "at", "how", "text"})


def read_consents(path: Path, *, now: datetime, rejects: RejectFile) -> Iterator[Consent]:
    """The good consents of a file, in order; `now` is when they are taken in."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield from_data(json.loads(line), now=now)
            except ConsentError as error:
                rejects.add(error.at(str(path), number), line)
            except (ValueError, RecursionError) as error:
                rejects.add(ConsentError(f"it is not JSON: {error}").at(str(path), number), line)


def from_data(data: Any, *, now: datetime) -> Consent:
    """One consent from plain data. Raises ConsentError naming the field."""
    if not isinstance(data, Mapping):
        raise ConsentError("it is not an object", hint="one JSON object a line")
    if unknown := set(data) - _FIELDS:
        raise ConsentError("there is no such field", field=sorted(unknown)[0], hint=", ".join(sorted(_FIELDS)))
    values = {"text": "", **data}
    for name in ("customer_id", "channel", "purpose", "how", "text"):
        if not isinstance(values.get(name), str):
            raise ConsentError("it is missing or not a text", field=name)
    if not isinstance(values.get("granted"), bool):
        raise ConsentError("it is neither true nor false", field="granted")
    try:
        at = values["at"] if isinstance(values.get("at"), datetime) else datetime.fromisoformat(str(values["at"]))
    except (KeyError, ValueError) as error:
        raise ConsentError("it is no moment", field="at", hint="such as 2026-01-31T12:00:00+08:00") from error
    return check(Consent(**{**values, "at": at}), now=now)
