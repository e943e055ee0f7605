"""`engine.profiles`: the snapshots of who the customers are."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zhanggui.errors import NotFoundError
from zhanggui.events.log import EventLog
from zhanggui.profiles.build import build
from zhanggui.profiles.glimpse import Glimpse, glimpse
from zhanggui.profiles.prune import prune
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.profiles.snapshot import Snapshot, latest
from zhanggui.storage import ArtifactStore


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """The profiles of a shop's customers, computed from its event log."""

    log: EventLog
    artifacts: ArtifactStore
    settings: ProfileSettings
    clock: Callable[[], datetime]

    def build(self, *, as_of: datetime | None = None) -> Snapshot:
        """Build the profiles as of a moment (default: now), incrementally where that gives the same."""
        now = self.clock()
        moment = as_of or now
        return build(
            self.log,
            self.artifacts,
            as_of=moment,
            settings=self.settings,
            now=now,
            base=latest(self.artifacts, by=moment),
        )

    def refresh(self, *, after: timedelta) -> Snapshot | None:
        """Build the profiles as of now when those in use are `after` old, or there are none; None when they are fresh."""
        in_use = self.in_use()
        fresh = in_use is not None and in_use.as_of + after > self.clock()
        return None if fresh else self.build()

    def prune(self, *, keep: int, named: Collection[str]) -> list[str]:
        """Remove old snapshots (`profiles.prune.prune`); the versions that are gone."""
        return prune(self.artifacts, now=self.clock(), keep=keep, named=named)

    def in_use(self) -> Snapshot | None:
        """The snapshot that is nearest to now, not the one that was built last; None when there is none yet."""
        return latest(self.artifacts, by=self.clock())

    def latest(self) -> Snapshot:
        """The snapshot in use. Raises NotFoundError when there is none yet."""
        snapshot = self.in_use()
        if snapshot is None:
            raise NotFoundError("no profiles have been built yet; run `zhanggui profiles`")
        return snapshot

    def events_since(self, snapshot: Snapshot) -> int:
        """How many events the log has taken in since a snapshot was built."""
        return self.log.position() - snapshot.position

    def glimpse(self, customer_ids: Sequence[str], *, as_of: datetime) -> Glimpse:
        """The profiles of some customers as of a moment, for one question. Builds no snapshot."""
        return glimpse(self.log, customer_ids, as_of=as_of, settings=self.settings)
