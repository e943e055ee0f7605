"""The profiles of some customers as of a moment, computed for one question. Kept nowhere: no snapshot comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from zhanggui.events.log import EventLog
from zhanggui.profiles.build import version_of
from zhanggui.profiles.computation import Computation
from zhanggui.profiles.identity import resolve
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.quarantine import UNCOMPUTABLE, uncomputable
from zhanggui.profiles.settings import ProfileSettings


@dataclass(frozen=True, kw_only=True)
class Glimpse:
    """Some profiles as of a moment. It is read like a `Snapshot`, and has the version which that one would have."""

    version: str
    as_of: datetime
    position: int
    """How far the event log had grown."""
    profiles: pa.Table

    def table(self, columns: Sequence[str] | None = None, customer_ids: Sequence[str] | None = None) -> pa.Table:
        """The profiles in SNAPSHOT_SCHEMA, sorted by customer id; maybe only some columns or customers."""
        rows = self.profiles
        if customer_ids is not None:
            rows = rows.filter(pc.is_in(rows["customer_id"], pa.array(list(customer_ids), pa.string())))
        return rows if columns is None else rows.select(list(columns))


def glimpse(log: EventLog, customer_ids: Sequence[str], *, as_of: datetime, settings: ProfileSettings) -> Glimpse:
    """The profiles of these customers as of `as_of`; who was not there then, or cannot be computed, is left out."""
    position, currency = log.position(), log.settings.currency
    with log.read() as events:
        with log.database.reading() as connection:
            resolution = resolve(connection)
        work = Computation(events=events, resolution=resolution, as_of=as_of, settings=settings, currency=currency)
        profiles = pa.concat_tables([SNAPSHOT_SCHEMA.empty_table(), *_computed(work, set(customer_ids))])
    version = version_of(as_of, position, settings, currency)
    return Glimpse(version=version, as_of=as_of, position=position, profiles=profiles)


def _computed(work: Computation, customer_ids: set[str]) -> list[pa.Table]:
    try:
        return list(work.computed(customer_ids)) if customer_ids else []
    except UNCOMPUTABLE as error:
        left_out = {one.customer_id for one in uncomputable(customer_ids, work.computed, error)}
        return list(work.computed(customer_ids - left_out))
