"""`engine.profiles`: the snapshots of who the customers are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zhanggui.errors import NotFoundError
from zhanggui.events.log import EventLog
from zhanggui.profiles.build import Snapshot, build, latest
from zhanggui.profiles.settings import ProfileSettings
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
        return build(
            self.log,
            self.artifacts,
            as_of=as_of or now,
            settings=self.settings,
            now=now,
            base=latest(self.artifacts),
        )

    def latest(self) -> Snapshot:
        """The snapshot built last. Raises NotFoundError when there is none."""
        snapshot = latest(self.artifacts)
        if snapshot is None:
            raise NotFoundError("no profiles have been built yet; run `zhanggui profiles`")
        return snapshot
