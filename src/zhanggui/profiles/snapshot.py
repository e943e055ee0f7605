"""A snapshot of profiles, as it lies in its artifact: Parquet files sorted by customer id, with a manifest. Builds none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from zhanggui.errors import NotFoundError
from zhanggui.profiles.profile import Profile
from zhanggui.profiles.quarantine import Quarantined, quarantined
from zhanggui.storage import Artifact, ArtifactStore

NAME = "profiles"
PROFILES_FILE, PERSONS_FILE = "profiles.parquet", "persons.parquet"


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

    def persons(self) -> pa.Table:
        """Who was who when it was built (PERSONS_SCHEMA)."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path.parent / PERSONS_FILE)

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
        path=artifact.path / PROFILES_FILE,
        rows=int(artifact.metrics["rows"]),
        as_of=datetime.fromisoformat(artifact.config["as_of"]),
        position=int(artifact.config["position"]),
        foreign_orders=int(artifact.metrics.get("foreign_orders", 0)),
    )
