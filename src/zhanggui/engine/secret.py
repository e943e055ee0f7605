"""The secrets that sign unsubscribe links and visitor tokens: from the environment, else from the database, which all workers
share.
"""

import os
from pathlib import Path

from zhanggui.access.secret import secret
from zhanggui.storage import Database

SECRET_ENV = "ZHANGGUI_SECRET"  # noqa: S105 - the variable's name
VISITOR_SECRET_ENV = "ZHANGGUI_VISITOR_SECRET"  # noqa: S105 - the variable's name


def signing_secret(database: Database, *, former: Path) -> bytes:
    """The shop's secret. `former` is the key file of shops from before: the links that it signed keep working."""
    if given := os.environ.get(SECRET_ENV):
        return given.encode()
    return secret(database, "unsubscribe", former=former.read_text() if former.exists() else None).encode()


def visitor_secret(database: Database) -> str:
    """What the shop's server signs visitor tokens with."""
    return os.environ.get(VISITOR_SECRET_ENV) or secret(database, "visitor")
