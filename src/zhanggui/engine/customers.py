"""`engine.customers`: what is known of one customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zhanggui.engine.profiles import Profiles
from zhanggui.profiles import consent, identity
from zhanggui.profiles.consent import Consent
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer as of the snapshot in use, with consents and addresses as of now."""

    customer_id: str
    as_of: datetime
    snapshot: str
    events_since: int
    """Events that the log has taken in since the snapshot was built."""
    profile: Mapping[str, Any]
    """The columns of the profile, by name."""
    consents: tuple[Consent, ...]
    """With their proof."""
    addresses: Mapping[str, str | None]
    """By channel."""


@dataclass(frozen=True, kw_only=True)
class Customers:
    """The customers of a shop with these channels."""

    database: Database
    profiles: Profiles
    channels: tuple[str, ...]

    def get(self, customer_id: str) -> Customer:
        """Profile, consents with their proof, and addresses, of the person behind any id. Raises NotFoundError."""
        snapshot = self.profiles.latest()
        with self.database.reading() as connection:
            customer_id = identity.find(connection, customer_id)
            profile = snapshot.profile(customer_id)
            return Customer(
                customer_id=customer_id,
                as_of=profile.as_of,
                snapshot=snapshot.version,
                events_since=self.profiles.events_since(snapshot),
                profile=dict(profile.features),
                consents=tuple(consent.proof(connection, customer_id)),
                addresses={
                    name: identity.addresses(connection, [customer_id], name).get(customer_id) for name in self.channels
                },
            )
