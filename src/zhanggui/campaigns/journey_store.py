"""Journeys in SQL. A journey is versioned, as a campaign is. Knows not who is on the way."""

import json
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.campaigns.journey import Journey, check, to_data
from zhanggui.errors import NotFoundError
from zhanggui.storage.database import UtcTime, metadata

journeys = sa.Table(
    "journeys",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("applied_at", UtcTime, nullable=False),
)


def apply(connection: sa.Connection, journey: Journey, *, now: datetime) -> int:
    """Store `journey`; returns its version. The same definition again keeps the version that it has."""
    definition = json.dumps(to_data(journey), ensure_ascii=False, sort_keys=True)
    query = sa.select(journeys).where(journeys.c.name == journey.name)
    last = connection.execute(query.order_by(journeys.c.version.desc()).limit(1)).first()
    if last is not None and last.definition == definition:
        return int(last.version)
    version = 1 if last is None else int(last.version) + 1
    row = {"name": journey.name, "version": version, "definition": definition, "applied_at": now}
    connection.execute(sa.insert(journeys).values(row))
    return version


def get(connection: sa.Connection, name: str) -> tuple[Journey, int]:
    """A journey as it is now, and its version. Raises NotFoundError."""
    query = sa.select(journeys).where(journeys.c.name == name).order_by(journeys.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"there is no flow {name!r}; `zhanggui flow list` shows what there is")
    return check(json.loads(row.definition), source=name), int(row.version)


def every(connection: sa.Connection) -> list[tuple[Journey, int]]:
    """Every journey as it is now, by name."""
    names = connection.scalars(sa.select(journeys.c.name).distinct().order_by(journeys.c.name)).all()
    return [get(connection, name) for name in names]


def waited_for(connection: sa.Connection) -> dict[str, timedelta]:
    """The names of the events that journeys wait for; of each, for how long it can matter, which is until the last step."""
    longest: dict[str, timedelta] = {}
    newest = sa.select(journeys.c.name, sa.func.max(journeys.c.version).label("version")).group_by(journeys.c.name)
    latest = newest.subquery()
    same = sa.and_(journeys.c.name == latest.c.name, journeys.c.version == latest.c.version)
    for text in connection.scalars(sa.select(journeys.c.definition).join(latest, same)):
        data = json.loads(text)
        last = timedelta(hours=data["steps"][-1]["after_hours"])
        for name in (data["begins"], *data["ends"], *data["ends_for_product"]):
            longest[name] = max(longest.get(name, last), last)
    return longest
