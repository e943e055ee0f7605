"""Builds snapshots of profiles: whole, or only for the customers whom something has happened to since the last one.

Knows no decision.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from zhanggui.errors import ArtifactError
from zhanggui.events.log import EventLog
from zhanggui.profiles.computation import Computation
from zhanggui.profiles.identity import resolve
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.quarantine import FILE as QUARANTINE_FILE
from zhanggui.profiles.quarantine import UNCOMPUTABLE, uncomputable
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import NAME, PERSONS_FILE, PROFILES_FILE, Snapshot, opened
from zhanggui.storage import Artifact, ArtifactStore

_FORMAT = 3
"""Raised when profiles of the same events come out otherwise, so that no snapshot of before is taken for one of now."""
_ROW_GROUP = 20_000  # small enough that a point look-up reads little
_UNIQUE = {"customer_id", "traits", "categories", "brands"}
# Columns whose values repeat; a dictionary of the others costs time and space.
_DICTIONARY: Any = [
    field.name for field in SNAPSHOT_SCHEMA if field.name not in _UNIQUE and not pa.types.is_floating(field.type)
] + ["categories.list.element.name", "brands.list.element.name"]


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
    version = version_of(as_of, position, settings, currency)
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
    try:
        with (
            artifacts.create(NAME, version, now=now, config=config, data_hash=data_hash) as draft,
            log.read() as events,
        ):
            with log.database.reading() as connection:
                resolution = resolve(connection)
            work = Computation(events=events, resolution=resolution, as_of=as_of, settings=settings, currency=currency)
            draft.metrics.update(_write(draft.path, work, base if usable else None, log))
    except ArtifactError as error:
        try:  # somebody else was quicker with the same one
            return opened(artifacts.get(NAME, version))
        except ArtifactError:
            raise error from None
    return opened(artifacts.get(NAME, version))


def _write(folder: Path, work: Computation, base: Snapshot | None, log: EventLog) -> dict[str, int]:
    """Write the snapshot's files; returns what its manifest counts. Who cannot be computed is left out, and why is kept."""
    import pyarrow.parquet as pq

    pq.write_table(work.resolution.persons, folder / PERSONS_FILE)
    stale = None if base is None else work.stale(base, log.touched(base.position))
    try:
        return _write_tables(work.since(base, stale), folder / PROFILES_FILE) | {"quarantined": 0}
    except UNCOMPUTABLE as error:
        asked = work.everybody() if stale is None else stale
        left_out = uncomputable(asked, work.computed, error)
        lines = [f"{json.dumps(asdict(one))}\n" for one in left_out]
        (folder / QUARANTINE_FILE).write_text("".join(lines), encoding="utf-8")
        rest = asked - {one.customer_id for one in left_out}
        counts = _write_tables(work.since(base, rest, dropped=asked), folder / PROFILES_FILE)
        return counts | {"quarantined": len(left_out)}


def _write_tables(tables: Iterator[pa.Table], path: Path) -> dict[str, int]:
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
    return {"rows": sum(rows for rows, _ in counts), "foreign_orders": sum(foreign for _, foreign in counts)}


def version_of(as_of: datetime, position: int, settings: ProfileSettings, currency: str) -> str:
    """The version of the snapshot as of a moment, of a log that had grown so far."""
    text = json.dumps([as_of.isoformat(), position, asdict(settings), currency, _FORMAT], sort_keys=True)
    return f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _same_rules(artifact: Artifact | None, config: dict[str, Any]) -> bool:
    rules = json.loads(json.dumps({name: config[name] for name in ("settings", "currency", "format")}))
    return artifact is not None and all(artifact.config.get(name) == value for name, value in rules.items())
