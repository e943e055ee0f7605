"""The ontology as the operator edited it, one row. Knows no file and no product."""

from datetime import datetime

import sqlalchemy as sa

from zhanggui.catalog.ontology.file import from_toml, to_toml
from zhanggui.catalog.ontology.ontology import Ontology
from zhanggui.storage.database import UtcTime, insert, metadata

ontologies = sa.Table(
    "ontologies",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)
_EDITED = "edited"


def save(connection: sa.Connection, ontology: Ontology, *, now: datetime) -> None:
    """Keep it in place of what was edited before."""
    statement = insert(connection, ontologies).values(name=_EDITED, document=to_toml(ontology), updated_at=now)
    changed = {name: statement.excluded[name] for name in ("document", "updated_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def edited(connection: sa.Connection) -> Ontology | None:
    """What was edited last; None where nothing was."""
    document = connection.scalar(sa.select(ontologies.c.document).where(ontologies.c.name == _EDITED))
    return None if document is None else from_toml(document)


def edited_at(connection: sa.Connection) -> datetime | None:
    """When it was edited last; None where it never was."""
    return connection.scalar(sa.select(ontologies.c.updated_at).where(ontologies.c.name == _EDITED))
