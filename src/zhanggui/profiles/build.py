"""Builds snapshots of profiles: whole, or only for the customers whom something has happened to since the last one.

A snapshot is an artifact: one Parquet file sorted by customer id, with a manifest. Knows no decision.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from zhanggui.errors import ArtifactError, NotFoundError
from zhanggui.events.log import EventLog
from zhanggui.profiles.identity import resolve as resolve_identities
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA, Profile
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.storage import Artifact, ArtifactStore

if TYPE_CHECKING:
    import ibis.expr.types as ir

NAME = "profiles"
_FILE = "profiles.parquet"
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

    def table(self, columns: Sequence[str] | None = None, customer_ids: Sequence[str] | None = None) -> pa.Table:
        """The snapshot in SNAPSHOT_SCHEMA, sorted by customer id; maybe only some columns or customers."""
        import pyarrow.parquet as pq

        wanted = None if customer_ids is None else [("customer_id", "in", list(customer_ids))]
        return pq.read_table(self.path, columns=None if columns is None else list(columns), filters=wanted)

    def profile(self, customer_id: str) -> Profile:
        """One customer. Raises NotFoundError."""
        found = self.table(customer_ids=[customer_id]).to_pylist()
        if not found:
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
    version = version_of(as_of, position, settings)
    known = {artifact.version: artifact for artifact in artifacts.versions(NAME)}
    if version in known:
        return opened(known[version])
    usable = base is not None and base.as_of <= as_of and _same_settings(known.get(base.version), settings)
    config = {"as_of": as_of.isoformat(), "position": position, "settings": asdict(settings)}
    data_hash = hashlib.sha256(f"{position}\x1f{as_of.isoformat()}".encode()).hexdigest()
    try:
        with (
            artifacts.create(NAME, version, now=now, config=config, data_hash=data_hash) as draft,
            log.read() as events,
        ):
            with log.database.reading() as connection:
                mapping = resolve_identities(connection)
            tables = (
                _incremental(log, events, mapping, base, as_of=as_of, settings=settings)
                if base and usable
                else computed(events, mapping, as_of=as_of, settings=settings)
            )
            draft.metrics.update(rows=_write(tables, draft.path / _FILE))
    except ArtifactError as error:
        try:  # somebody else was quicker with the same one
            return opened(artifacts.get(NAME, version))
        except ArtifactError:
            raise error from None
    return opened(artifacts.get(NAME, version))


def latest(artifacts: ArtifactStore, *, by: datetime) -> Snapshot | None:
    """The snapshot as of the latest moment that is not after `by`, if there is one: not the one that was built last, which
    may look far back.
    """
    known = [snapshot for snapshot in map(opened, artifacts.versions(NAME)) if snapshot.as_of <= by]
    return max(known, key=lambda snapshot: (snapshot.as_of, snapshot.position), default=None)


def opened(artifact: Artifact) -> Snapshot:
    """The snapshot that an artifact holds."""
    return Snapshot(
        version=artifact.version,
        path=artifact.path / _FILE,
        rows=int(artifact.metrics["rows"]),
        as_of=datetime.fromisoformat(artifact.config["as_of"]),
        position=int(artifact.config["position"]),
    )


def computed(
    events: "ir.Table",
    mapping: pa.Table,
    *,
    as_of: datetime,
    settings: ProfileSettings,
    customers: "ir.Table | None" = None,
) -> Iterator[pa.Table]:
    """The profiles of all, or of some customers, in SNAPSHOT_SCHEMA, sorted by customer id; a batch at a time."""
    from zhanggui.profiles.features import features

    identities = registered(events, "identities", mapping)
    yield from features(events, identities, as_of=as_of, settings=settings, customers=customers)


def _incremental(
    log: EventLog,
    events: "ir.Table",
    mapping: pa.Table,
    base: Snapshot,
    *,
    as_of: datetime,
    settings: ProfileSettings,
) -> Iterator[pa.Table]:
    from zhanggui.profiles.features import aged, resolve

    backend: Any = events.get_backend()
    since = events.filter(events.timestamp > base.as_of)
    ends = dict(zip(mapping["from_id"].to_pylist(), mapping["customer_id"].to_pylist(), strict=True))
    touched = {ends.get(one, one) for one in log.touched(base.position)}
    gone = set(ends)  # ids that have become part of somebody else
    then = resolve(since, registered(events, "identities", mapping), as_of=as_of)
    touched |= set(then.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())
    old = backend.read_parquet(str(base.path), table_name="base")
    windowed = (old.views + old.carts + old.messages_received + old.messages_opened + old.messages_clicked > 0) | (
        old.preferred_channel.notnull()
    )
    touched |= set(old.filter(windowed).select("customer_id").to_pyarrow()["customer_id"].to_pylist())
    stale = registered(events, "stale", pa.table({"customer_id": pa.array(sorted(touched | gone), pa.string())}))
    if stale is None:
        yield aged(old, as_of=as_of, settings=settings).order_by("customer_id").to_pyarrow().cast(SNAPSHOT_SCHEMA)
        return
    kept = aged(old.anti_join(stale, "customer_id"), as_of=as_of, settings=settings).to_pyarrow()
    fresh = computed(events, mapping, as_of=as_of, settings=settings, customers=stale)
    yield pa.concat_tables([kept.cast(SNAPSHOT_SCHEMA), *fresh]).sort_by("customer_id")


def registered(events: "ir.Table", name: str, table: pa.Table) -> "ir.Table | None":
    """The table beside the log; None when it is empty."""
    from zhanggui.profiles import features

    return features.registered(events, name, table) if table.num_rows else None


def _write(tables: Iterator[pa.Table], path: Path) -> int:
    """Write the tables one after the other, each while the next is being computed; how many rows."""
    import pyarrow.parquet as pq

    with (
        pq.ParquetWriter(path, SNAPSHOT_SCHEMA, compression="zstd", use_dictionary=_DICTIONARY) as writer,
        ThreadPoolExecutor(1) as thread,
    ):

        def written(table: pa.Table) -> int:
            writer.write_table(table, row_group_size=_ROW_GROUP)
            return int(table.num_rows)

        return sum(thread.map(written, tables))


def version_of(as_of: datetime, position: int, settings: ProfileSettings) -> str:
    """The version of the snapshot as of a moment, of a log that had grown so far."""
    text = json.dumps([as_of.isoformat(), position, asdict(settings)], sort_keys=True)
    return f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _same_settings(artifact: Artifact | None, settings: ProfileSettings) -> bool:
    return artifact is not None and artifact.config["settings"] == json.loads(json.dumps(asdict(settings)))
