"""Builds snapshots of profiles: whole, or only for the customers whom something has happened to since the last one.

A snapshot is an artifact: one Parquet file sorted by customer id, with a manifest. Knows no decision.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.errors import NotFoundError
from zhanggui.events.log import EventLog
from zhanggui.profiles.identity import resolve as resolve_identities
from zhanggui.profiles.orders import ORDERS
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA, Profile
from zhanggui.profiles.quarantine import FILE as QUARANTINE
from zhanggui.profiles.quarantine import UNCOMPUTABLE, Quarantined, quarantined, uncomputable
from zhanggui.profiles.resolution import Resolution, attached, registered, resolve
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.storage import Artifact, ArtifactStore

if TYPE_CHECKING:
    import ibis.expr.types as ir

NAME = "profiles"
_FILE, _PERSONS, _DEVICES = "profiles.parquet", "persons.parquet", "devices.parquet"
_FORMAT = 2
"""Raised when profiles of the same events come out otherwise, so that no snapshot of before is taken for one of now."""
_ROW_GROUP = 20_000  # small enough that a point look-up reads little
_UNIQUE = {"customer_id", "traits", "categories", "brands"}
# Columns whose values repeat; a dictionary of the others costs time and space.
_DICTIONARY: Any = [
    field.name for field in SNAPSHOT_SCHEMA if field.name not in _UNIQUE and not pa.types.is_floating(field.type)
] + ["categories.list.element.name", "brands.list.element.name"]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Every profile as of a moment. `version` names it in decisions."""

    version: str
    path: Path
    as_of: datetime
    rows: int
    position: int
    """How far the event log had grown when it was built."""
    foreign_orders: int = 0
    """Orders in other currencies than the shop's, whose amounts are in no sum."""

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The customers whose events could not be computed; they have no profile."""
        return quarantined(self.path.parent)

    def resolution(self) -> Resolution:
        """Who was who when it was built."""
        import pyarrow.parquet as pq

        persons, devices = (pq.read_table(self.path.parent / name) for name in (_PERSONS, _DEVICES))
        return Resolution(persons=persons, devices=devices)

    def table(self, columns: Sequence[str] | None = None, customer_ids: Sequence[str] | None = None) -> pa.Table:
        """The snapshot in SNAPSHOT_SCHEMA, sorted by customer id; maybe only some columns or customers."""
        import pyarrow.parquet as pq

        wanted = None if customer_ids is None else [("customer_id", "in", list(customer_ids))]
        return pq.read_table(self.path, columns=None if columns is None else list(columns), filters=wanted)

    def profile(self, customer_id: str) -> Profile:
        """One customer. Raises NotFoundError."""
        found = self.table(customer_ids=[customer_id]).to_pylist()
        if not found:
            for one in self.quarantined:
                if one.customer_id == customer_id:
                    raise NotFoundError(f"customer {customer_id!r} has no profile: {one.reason}")
            raise NotFoundError(f"no customer {customer_id!r} in the snapshot as of {self.as_of:%Y-%m-%d %H:%M} UTC")
        row = found[0]
        del row["customer_id"], row["as_of"]
        return Profile(customer_id=customer_id, as_of=self.as_of, snapshot_version=self.version, features=row)


def build(
    log: EventLog,
    artifacts: ArtifactStore,
    *,
    as_of: datetime,
    settings: ProfileSettings,
    now: datetime,
    base: Snapshot | None = None,
) -> Snapshot:
    """Build the snapshot as of `as_of`, or return it when the same one is there.

    With an earlier `base`, only customers with events since then, or with windows that events may have left, are
    computed anew; the rest is aged. The result equals a whole build.
    """
    position = log.position()
    currency = log.settings.currency
    version = _version(as_of, position, settings, currency)
    known = {artifact.version: artifact for artifact in artifacts.versions(NAME)}
    if version in known:
        return opened(known[version])
    config = {
        "as_of": as_of.isoformat(),
        "position": position,
        "settings": asdict(settings),
        "currency": currency,
        "format": _FORMAT,
    }
    usable = base is not None and base.as_of <= as_of and _same_rules(known.get(base.version), config)
    data_hash = hashlib.sha256(f"{position}\x1f{as_of.isoformat()}".encode()).hexdigest()
    with (
        artifacts.create(NAME, version, now=now, config=config, data_hash=data_hash) as draft,
        log.read() as events,
    ):
        with log.database.reading() as connection:
            resolution = resolve_identities(connection)
        work = _Work(events=events, resolution=resolution, as_of=as_of, settings=settings, currency=currency)
        stale = work.stale(base, log.touched(base.position)) if base and usable else None
        rows, foreign, left_out = work.write(draft.path, base if usable else None, stale)
        draft.metrics.update(rows=rows, foreign_orders=foreign, quarantined=left_out)
    return opened(artifacts.get(NAME, version))


def latest(artifacts: ArtifactStore) -> Snapshot | None:
    """The snapshot built last, if there is one."""
    known = artifacts.versions(NAME)
    return opened(known[-1]) if known else None


def opened(artifact: Artifact) -> Snapshot:
    """The snapshot that an artifact holds."""
    return Snapshot(
        version=artifact.version,
        path=artifact.path / _FILE,
        rows=int(artifact.metrics["rows"]),
        as_of=datetime.fromisoformat(artifact.config["as_of"]),
        position=int(artifact.config["position"]),
        foreign_orders=int(artifact.metrics.get("foreign_orders", 0)),
    )


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One build: the log of one moment, and by which rules it is computed."""

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

    def write(self, folder: Path, base: Snapshot | None, stale: set[str] | None) -> tuple[int, int, int]:
        """Write the snapshot's files: those of `base` who are not `stale` are aged, the others computed; without a base, all.

        Returns how many rows, orders in other currencies, and customers in quarantine.
        """
        import pyarrow.parquet as pq

        pq.write_table(self.resolution.persons, folder / _PERSONS)
        pq.write_table(self.resolution.devices, folder / _DEVICES)
        try:
            return *_write(self._tables(base, stale), folder / _FILE), 0
        except UNCOMPUTABLE as error:
            asked = self._everybody() if stale is None else stale
            left_out = uncomputable(asked, self.computed, error)
            (folder / QUARANTINE).write_text(
                "".join(f"{json.dumps(asdict(one))}\n" for one in left_out), encoding="utf-8"
            )
            rest = asked - {one.customer_id for one in left_out}
            return *_write(self._tables(base, rest, dropped=asked), folder / _FILE), len(left_out)

    def _tables(
        self, base: Snapshot | None, stale: set[str] | None, *, dropped: set[str] | None = None
    ) -> Iterator[pa.Table]:
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
        before, now = base.resolution(), self.resolution
        persons = dict(zip(*(now.persons[name].to_pylist() for name in now.persons.column_names), strict=True))
        owners: dict[str, set[str]] = {}
        for span in now.devices.to_pylist():
            owners.setdefault(span["device"], set()).add(span["owner"])
        found = _moved(before.persons, now.persons, "from_id", "person_id")
        found |= _moved(before.devices, now.devices, "device", "owner")
        for one in touched:
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

    def _everybody(self) -> set[str]:
        return _ids(resolve(self.events, attached(self.events, self.resolution), as_of=self.as_of))

    def _of(self, base: Snapshot) -> "ir.Table":
        backend: Any = self.events.get_backend()
        table: ir.Table = backend.read_parquet(str(base.path), table_name="base")
        return table

    def _listed(self, name: str, column: str, values: Iterable[str]) -> "ir.Table":
        return registered(self.events, name, pa.table({column: pa.array(sorted(values), pa.string())}))


def _ids(table: "ir.Table") -> set[str]:
    return set(table.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())


def _moved(before: pa.Table, now: pa.Table, key: str, owner: str) -> set[str]:
    """Every id whose rows differ, and the persons whom it belongs or belonged to."""
    old, new = ({tuple(row.values()): row for row in table.to_pylist()} for table in (before, now))
    changed = [*(old[one] for one in old.keys() - new.keys()), *(new[one] for one in new.keys() - old.keys())]
    ids = {row[key] for row in changed}
    return ids | {row[owner] for row in [*old.values(), *new.values()] if row[key] in ids}


def _write(tables: Iterator[pa.Table], path: Path) -> tuple[int, int]:
    """Write the tables one after the other, each while the next is being computed; how many rows, and foreign orders."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with (
        pq.ParquetWriter(path, SNAPSHOT_SCHEMA, compression="zstd", use_dictionary=_DICTIONARY) as writer,
        ThreadPoolExecutor(1) as thread,
    ):

        def written(table: pa.Table) -> tuple[int, int]:
            writer.write_table(table, row_group_size=_ROW_GROUP)
            return table.num_rows, pc.sum(table["foreign_orders"]).as_py() or 0

        counts = list(thread.map(written, tables))
    return sum(rows for rows, _ in counts), sum(foreign for _, foreign in counts)


def _version(as_of: datetime, position: int, settings: ProfileSettings, currency: str) -> str:
    text = json.dumps([as_of.isoformat(), position, asdict(settings), currency, _FORMAT], sort_keys=True)
    return f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _same_rules(artifact: Artifact | None, config: dict[str, Any]) -> bool:
    rules = json.loads(json.dumps({name: config[name] for name in ("settings", "currency", "format")}))
    return artifact is not None and all(artifact.config.get(name) == value for name, value in rules.items())
