"""Computes profiles from one moment of the log: all, some, or those that an earlier snapshot may be wrong about.

Writes nothing. Does not know where snapshots are kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.profiles.features import ASKED, KEPT, aging, features, set_moment
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.resolution import Resolution, attached, registered, resolve
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import Snapshot
from zhanggui.profiles.staleness import BASE, SPOKEN, TOUCHED, staleness

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
        yield from features(
            self.events,
            attached(self.events, self.resolution),
            as_of=self.as_of,
            settings=self.settings,
            currency=self.currency,
            customers=None if customers is None else self._listed(ASKED, "customer_id", customers),
        )

    def since(
        self, base: Snapshot | None, stale: set[str] | None, *, dropped: set[str] | None = None
    ) -> Iterator[pa.Table]:
        """All profiles: those of `base` who are neither `stale` nor `dropped` are aged, the stale computed; without a base all
        who are stale, or everybody.
        """
        if base is None:
            yield from self.computed(stale)
            return
        backend: Any = self.events.get_backend()
        self._of(base)
        self._listed(
            "gone", "customer_id", {*self.resolution.persons["from_id"].to_pylist(), *(dropped or ()), *(stale or ())}
        )
        backend.raw_sql(f"CREATE OR REPLACE TEMP VIEW {KEPT} AS FROM {BASE} ANTI JOIN gone USING (customer_id)")
        set_moment(backend, self.as_of)
        rows = backend.con.sql(aging(self.settings)).to_arrow_table().cast(SNAPSHOT_SCHEMA)
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
        self._of(base)
        backend: Any = self.events.get_backend()
        attached(self.events, now)
        backend.raw_sql(f"SET VARIABLE since = TIMESTAMPTZ '{base.as_of.isoformat()}'")
        set_moment(backend, self.as_of)
        asked = staleness(self.events.schema(), persons=bool(now.persons.num_rows), devices=bool(now.devices.num_rows))
        found |= _ids(backend, asked.happened) | _ids(backend, asked.windowed)
        found |= {one.customer_id for one in base.quarantined}
        self._listed(SPOKEN, "customer_id", found)
        self._listed(TOUCHED, "anonymous_id", touched)
        return found | _ids(backend, asked.sharing)

    def everybody(self) -> set[str]:
        """Every customer with an event."""
        everyone = resolve(self.events, attached(self.events, self.resolution), as_of=self.as_of)
        return set(everyone.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())

    def _of(self, base: Snapshot) -> None:
        backend: Any = self.events.get_backend()
        backend.read_parquet(str(base.path), table_name=BASE)

    def _listed(self, name: str, column: str, values: Iterable[str]) -> "ir.Table":
        return registered(self.events, name, pa.table({column: pa.array(sorted(values), pa.string())}))


def _ids(backend: Any, query: str) -> set[str]:
    return set(backend.con.sql(query).to_arrow_table()["customer_id"].to_pylist())


def _moved(before: pa.Table, now: pa.Table) -> set[str]:
    """Every id that belongs to another person than before (PERSONS_SCHEMA), and both persons."""
    old, new = (
        set(zip(*(table[name].to_pylist() for name in table.column_names), strict=True)) for table in (before, now)
    )
    return {one for pair in old ^ new for one in pair}
