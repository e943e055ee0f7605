"""Computes profiles from one moment of the log: all, some, or those that an earlier snapshot may be wrong about.

Writes nothing. Does not know where snapshots are kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.profiles.orders import ORDERS
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.resolution import Resolution, attached, registered, resolve
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import Snapshot

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, kw_only=True)
class Computation:
    """The log of one moment, who was who then, and the rules."""

    events: "ir.Table"
    resolution: Resolution
    as_of: datetime
    settings: ProfileSettings
    currency: str

    def computed(self, customers: Iterable[str] | None) -> Iterator[pa.Table]:
        """The profiles of all, or of some customers, in SNAPSHOT_SCHEMA, sorted by customer id; a batch at a time."""
        from zhanggui.profiles.features import features

        yield from features(
            self.events,
            attached(self.events, self.resolution),
            as_of=self.as_of,
            settings=self.settings,
            currency=self.currency,
            customers=None if customers is None else self._listed("asked", "customer_id", customers),
        )

    def since(
        self, base: Snapshot | None, stale: set[str] | None, *, dropped: set[str] | None = None
    ) -> Iterator[pa.Table]:
        """All profiles: those of `base` who are neither `stale` nor `dropped` are aged, the stale computed; without a base all
        who are stale, or everybody.
        """
        from zhanggui.profiles.features import aged

        if base is None:
            yield from self.computed(stale)
            return
        old = self._of(base)
        gone = set(self.resolution.persons["from_id"].to_pylist()) | (dropped or set()) | (stale or set())
        kept = old.anti_join(self._listed("gone", "customer_id", gone), "customer_id") if gone else old
        rows = aged(kept, as_of=self.as_of, settings=self.settings).to_pyarrow().cast(SNAPSHOT_SCHEMA)
        fresh = self.computed(stale) if stale else ()
        yield pa.concat_tables([rows, *fresh]).sort_by("customer_id")

    def stale(self, base: Snapshot, touched: set[str]) -> set[str]:
        """The customers whom `base` may be wrong about: something happened to them or one of their orders, ids were joined or
        parted, they could not be computed, or a window moved on. `touched`: ids of events since.
        """
        now = self.resolution
        persons = dict(zip(*(now.persons[name].to_pylist() for name in now.persons.column_names), strict=True))
        owners: dict[str, set[str]] = {}
        for span in now.devices.to_pylist():
            owners.setdefault(span["device"], set()).add(span["owner"])
        found = _moved(base.persons(), now.persons)
        for one in touched:  # whoever is known on a device anew is named by an event there
            found |= {persons.get(one, one), *owners.get(one, ())}
        since = self.events.filter(self.events.timestamp > base.as_of)
        identities = attached(self.events, now)
        found |= _ids(resolve(since, identities, as_of=self.as_of))
        found |= {one.customer_id for one in base.quarantined}
        old = self._of(base)
        windowed = (old.views + old.carts + old.messages_received + old.messages_opened + old.messages_clicked > 0) | (
            old.preferred_channel.notnull()
        )
        # Whoever shares an order with them: whose it is, and what it comes to, may have changed.
        ordered = resolve(
            self.events.filter(self.events.name.isin(ORDERS)), identities, as_of=self.as_of, strangers=True
        )
        spoken = ordered.semi_join(self._listed("spoken", "customer_id", found), "customer_id")
        strangers = ordered.filter(ordered.customer_id.isnull(), ordered.anonymous_id.isin(touched or {""}))
        named = spoken.select("order_id").union(strangers.select("order_id"))
        sharing = ordered.semi_join(named.filter(named.order_id.notnull()), "order_id")
        found |= _ids(sharing.filter(sharing.customer_id.notnull()))
        return found | _ids(old.filter(windowed))

    def everybody(self) -> set[str]:
        """Every customer with an event."""
        return _ids(resolve(self.events, attached(self.events, self.resolution), as_of=self.as_of))

    def _of(self, base: Snapshot) -> "ir.Table":
        backend: Any = self.events.get_backend()
        table: ir.Table = backend.read_parquet(str(base.path), table_name="base")
        return table

    def _listed(self, name: str, column: str, values: Iterable[str]) -> "ir.Table":
        return registered(self.events, name, pa.table({column: pa.array(sorted(values), pa.string())}))


def _ids(table: "ir.Table") -> set[str]:
    return set(table.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())


def _moved(before: pa.Table, now: pa.Table) -> set[str]:
    """Every id that belongs to another person than before (PERSONS_SCHEMA), and both persons."""
    old, new = (
        set(zip(*(table[name].to_pylist() for name in table.column_names), strict=True)) for table in (before, now)
    )
    return {one for pair in old ^ new for one in pair}
