"""Persons, device links, the address of a consent, and by which kind of key an event came."""

import re
import unicodedata
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0012_people"
down_revision = "0011_suppressed_numbers"

_CHUNK = 1_000


def upgrade() -> None:
    """What is known of old shops stays so: their events and addresses are trusted. Their links between ids do not say whether
    they are of a device or an alias, and count as both, as they did.
    """
    op.add_column("events", sa.Column("trust", sa.Text, nullable=False, server_default="server"))
    op.add_column("event_files", sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    op.create_index("ix_identities_to_id", "identities", ["to_id"])
    persons = op.create_table(
        "persons",
        sa.Column("customer_id", sa.String(256), primary_key=True),
        sa.Column("person_id", sa.String(256), nullable=False),
    )
    op.create_index("ix_persons_person_id", "persons", ["person_id"])
    links = op.create_table(
        "device_links",
        sa.Column("anonymous_id", sa.String(256), primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True),
        sa.Column("customer_id", sa.String(256), primary_key=True),
        sa.Column("trusted", sa.Boolean, primary_key=True),
    )
    op.create_index("ix_device_links_customer_id", "device_links", ["customer_id"])
    connection = op.get_bind()
    known = list(connection.execute(sa.text("SELECT from_id, to_id, since FROM identities")))
    _fill(
        persons,
        [{"customer_id": one, "person_id": end} for one, end in _ends({a: (b, at) for a, b, at in known}).items()],
    )
    _fill(links, [{"anonymous_id": a, "since": at, "customer_id": b, "trusted": True} for a, b, at in known])
    _contact_points(connection)
    _consents(connection)


def _contact_points(connection: sa.Connection) -> None:
    op.add_column("contact_points", sa.Column("normal", sa.String(512), nullable=False, server_default=""))
    op.add_column("contact_points", sa.Column("trusted", sa.Boolean, nullable=False, server_default=sa.true()))
    table = sa.table("contact_points", *map(sa.column, ("customer_id", "channel", "address", "normal")))
    rows = list(connection.execute(sa.select(table.c.customer_id, table.c.channel, table.c.address)))
    change = (
        sa.update(table)
        .where(table.c.customer_id == sa.bindparam("who"), table.c.channel == sa.bindparam("where"))
        .values(normal=sa.bindparam("form"))
    )
    for start in range(0, len(rows), _CHUNK):
        connection.execute(
            change, [{"who": a, "where": b, "form": _normal(b, c)} for a, b, c in rows[start : start + _CHUNK]]
        )
    op.drop_index("ix_contact_points_address", "contact_points")
    op.create_index("ix_contact_points_normal", "contact_points", ["channel", "normal"])


def _consents(connection: sa.Connection) -> None:
    """The address joins the key, since one moment may withdraw at several."""
    shared = "customer_id, channel, purpose, at, granted, how, text, recorded_at"
    if connection.dialect.name == "postgresql":
        op.add_column("consents", sa.Column("address", sa.String(512), nullable=False, server_default=""))
        name = sa.inspect(connection).get_pk_constraint("consents")["name"]
        op.drop_constraint(str(name), "consents", type_="primary")
        op.create_primary_key(
            "pk_consents", "consents", ["customer_id", "channel", "purpose", "at", "granted", "address"]
        )
    else:  # SQLite cannot change a key
        op.rename_table("consents", "consents_before")
        op.create_table(
            "consents",
            sa.Column("customer_id", sa.String(256), primary_key=True),
            sa.Column("channel", sa.String(63), primary_key=True),
            sa.Column("purpose", sa.String(63), primary_key=True),
            sa.Column("at", sa.BigInteger, primary_key=True),
            sa.Column("granted", sa.Boolean, primary_key=True),
            sa.Column("address", sa.String(512), primary_key=True, server_default=""),
            sa.Column("how", sa.Text, nullable=False),
            sa.Column("text", sa.Text, nullable=False),
            sa.Column("recorded_at", sa.BigInteger, nullable=False),
        )
        op.execute(f"INSERT INTO consents ({shared}) SELECT {shared} FROM consents_before")
        op.drop_table("consents_before")
    op.create_index("ix_consents_address", "consents", ["channel", "address"])


def _fill(table: sa.Table, rows: list[dict[str, object]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        op.bulk_insert(table, rows[start : start + _CHUNK])


def _ends(direct: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """As `profiles.closure` followed aliases when this was written."""
    found: dict[str, str] = {}
    for start in direct:
        path: dict[str, None] = {}
        here = start
        while here in direct and here not in path:
            path[here] = None
            here = direct[here][0]
        if here in path:
            circle = list(path)[list(path).index(here) :]
            here = min(circle, key=lambda one: (direct[one][1], one))
        if start != here:
            found[start] = here
    return found


def _normal(channel: str, address: str) -> str:
    """As `profiles.address` compared addresses when this was written."""
    if channel == "email":
        name, at, domain = unicodedata.normalize("NFKC", address).strip().lower().rpartition("@")
        try:
            return f"{name}{at}{domain.encode('idna').decode()}"
        except UnicodeError:
            return f"{name}{at}{domain}"
    if channel == "sms":
        number = re.sub(r"\(0\)|[\s().\-\u2010-\u2015/]", "", unicodedata.normalize("NFKC", address))
        return f"+{number[2:]}" if number.startswith("00") else number
    return address.strip()
