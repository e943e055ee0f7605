"""Orders from JSON lines, one row each; bad lines go to the reject file. Knows no field."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from zhanggui.errors import OrderError
from zhanggui.service.order_facts import Statement
from zhanggui.service.order_row import read
from zhanggui.storage import RejectFile

_LONGEST = 1 << 20


def read_orders(path: Path, *, currency: str, now: datetime, rejects: RejectFile) -> Iterator[Statement]:
    """What the good lines of a file say, in order. Raises OrderError for a file that cannot be opened."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise OrderError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    with file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
            if not line.strip():
                continue
            try:
                yield read(json.loads(line), currency=currency, now=now, source=f"{number:09}")
            except OrderError as error:
                rejects.add(error.at(str(path), number), line)
            except (ValueError, RecursionError) as error:
                rejects.add(OrderError(f"it is not JSON: {error}").at(str(path), number), line)
