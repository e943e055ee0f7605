"""The SQL tables of who is who. Knows no rule."""

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, metadata

# What `alias` said: from_id is to_id from now on. One row an id: the latest statement.
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("from_id", sa.String(256), primary_key=True),
    sa.Column("to_id", sa.String(256), nullable=False, index=True),
    sa.Column("since", UtcTime, nullable=False),
)
# The closure of `identities`. An id without a row is a person of its own.
persons = sa.Table(
    "persons",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("person_id", sa.String(256), nullable=False, index=True),
)
# Who was known on a device when. `trusted`: said by the shop's own server or file, not by a public key.
device_links = sa.Table(
    "device_links",
    metadata,
    sa.Column("anonymous_id", sa.String(256), primary_key=True),
    sa.Column("since", UtcTime, primary_key=True),
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("trusted", sa.Boolean, primary_key=True),
    sa.Index("ix_device_links_customer_id", "customer_id"),
)
# Where a customer id said that it can be reached. `address` as given, `normal` as compared; both empty: taken back.
contact_points = sa.Table(
    "contact_points",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("address", sa.String(512), nullable=False),
    sa.Column("normal", sa.String(512), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("trusted", sa.Boolean, nullable=False),
    sa.Index("ix_contact_points_normal", "channel", "normal"),
)
