"""Which customers the shop itself has named, by a server key or a file, and not only a public key. Joins no ids."""

from collections.abc import Iterable

import sqlalchemy as sa

from zhanggui.profiles.identity_tables import contact_points, device_links

_CHUNK = 5_000


def known_to_the_shop(connection: sa.Connection, customer_ids: Iterable[str]) -> set[str]:
    """Who of these the shop gave an address, or knew on a device."""
    asked, known = list(customer_ids), set[str]()
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        for table in (contact_points, device_links):
            named = sa.select(table.c.customer_id).where(table.c.customer_id.in_(chunk), table.c.trusted)
            known.update(connection.scalars(named))
    return known


def trusted_addresses(connection: sa.Connection, customer_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Where the shop itself says that these ids can be reached: channel, and address as it is compared."""
    points, asked = contact_points.c, list(customer_ids)
    addresses = set[tuple[str, str]]()
    for start in range(0, len(asked), _CHUNK):
        named = sa.select(points.channel, points.normal).where(points.trusted, points.normal != "")
        chunk = asked[start : start + _CHUNK]
        addresses |= {
            (row.channel, row.normal) for row in connection.execute(named.where(points.customer_id.in_(chunk)))
        }
    return addresses
