"""Databases of earlier versions of Zhanggui."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import zhanggui.storage
from zhanggui.storage import Database


def migrate_to(database: Database, revision: str) -> None:
    """Migrate an empty database as far as `revision`, and no further."""
    config = Config()
    config.set_main_option("script_location", str(Path(zhanggui.storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
