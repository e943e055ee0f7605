"""Secrets of the shop's own making, made once and then the same for every worker beside the database. Signs nothing."""

import secrets as random

import sqlalchemy as sa

from zhanggui.storage import Database
from zhanggui.storage.database import insert, metadata

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("value", sa.String(255), nullable=False),
)


def secret(database: Database, name: str, *, former: str | None = None) -> str:
    """The secret of this name. Where there is none yet it is the `former` one, or else made; of two who make it at once both
    get the same.
    """
    query = sa.select(secrets.c.value).where(secrets.c.name == name)
    with database.reading() as connection:
        value = connection.scalar(query)
    if value is None:
        with database.transaction() as connection:
            made = insert(connection, secrets).values(name=name, value=former or random.token_hex(32))
            connection.execute(made.on_conflict_do_nothing())
            value = connection.execute(query).scalar_one()
    return str(value)
