"""`engine.campaigns`: what campaigns say, what they would do and write, and what their runs left for training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from zhanggui.campaigns import campaign as campaign_files
from zhanggui.campaigns import preview, store
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.preview import Explained, Preview
from zhanggui.campaigns.run import moment_of
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.trial import Trial, trial
from zhanggui.catalog.product import Language
from zhanggui.engine.profiles import Profiles
from zhanggui.errors import ConfigError
from zhanggui.evaluation import preferences
from zhanggui.evaluation.preferences import Comparisons
from zhanggui.profiles import identity
from zhanggui.storage import plugins
from zhanggui.touches import suppression


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A campaign that was stored."""

    name: str
    version: int


@dataclass(frozen=True, kw_only=True)
class CampaignView:
    """A campaign as it stands."""

    name: str
    version: int
    runs: tuple[str, ...]
    """Ids, the first run first."""
    definition: Mapping[str, Any]
    """As `apply` takes it."""


@dataclass(frozen=True, kw_only=True)
class Campaigns:
    """The campaigns of a shop with these channels."""

    parts: RunParts
    profiles: Profiles
    channels: tuple[str, ...]

    def apply(self, definition: Mapping[str, Any]) -> Applied:
        """Store a campaign given as plain data. Raises CampaignError."""
        return self._apply(campaign_files.check(definition))

    def apply_file(self, path: Path) -> Applied:
        """Store a campaign from a TOML file. Raises CampaignError."""
        return self._apply(campaign_files.parse(path.read_text(encoding="utf-8"), source=str(path)))

    def export(self, name: str) -> str:
        """A campaign as TOML. Raises NotFoundError."""
        with self.parts.database.reading() as connection:
            return campaign_files.to_toml(store.get(connection, name)[0])

    def all(self) -> list[CampaignView]:
        """Every campaign with its version, definition and runs."""
        views = []
        with self.parts.database.reading() as connection:
            for name in store.names(connection):
                campaign, version = store.get(connection, name)
                runs = tuple(run.run_id for run in store.runs_of(connection, name))
                views.append(
                    CampaignView(name=name, version=version, runs=runs, definition=campaign_files.to_data(campaign))
                )
        return views

    def explain(
        self, name: str, customer_ids: Sequence[str], *, moment: datetime | None = None, language: Language = "en"
    ) -> list[Explained]:
        """What a campaign would do for these customers, and why. Logs, builds and sends nothing. Raises NotFoundError."""
        campaign, at = self._at(name, moment)
        persons = self._persons(customer_ids)
        profiles = self.profiles.glimpse(persons, as_of=at)
        return list(preview.explained(self.parts, campaign, profiles, persons, at=at, language=language))

    def preview(self, name: str, customer_ids: Sequence[str], *, moment: datetime | None = None) -> Preview:
        """The messages that these customers would get. Logs, builds and sends nothing. Raises NotFoundError."""
        campaign, at = self._at(name, moment)
        persons = self._persons(customer_ids)
        profiles = self.profiles.glimpse(persons, as_of=at)
        return preview.previewed(self.parts, campaign, profiles, persons, at=at)

    def test(self, name: str, *, to: str, channel: str | None = None, customer_id: str | None = None) -> Trial:
        """Send one real message of a campaign to an address of the operator's, marked as a test, as this customer would read it or
        somebody nothing is known of. Needs no consent, and is no contact. Raises NotFoundError and InputError.
        """
        campaign, now = self._at(name, self.parts.clock())
        to, _ = suppression.checked(to, "test", channel=channel or campaign.channels[0])
        profile = None
        if customer_id is not None:
            (person,) = self._persons([customer_id])
            profile = preview.known(self.profiles.glimpse([person], as_of=now), person)
        return trial(self.parts, campaign, to=to, channel=channel, profile=profile, now=now)

    def preferences(
        self, path: Path, names: Sequence[str] = (), *, minimum: int = 200, false_discoveries: float = 0.05
    ) -> Comparisons:
        """Write comparisons for `zhanggui train preference` (`evaluation.preferences.write`). Raises NotFoundError."""
        return preferences.write(self.parts, path, names, minimum=minimum, false_discoveries=false_discoveries)

    def _persons(self, customer_ids: Sequence[str]) -> list[str]:
        with self.parts.database.reading() as connection:
            return list(dict.fromkeys(identity.find(connection, customer_id) for customer_id in customer_ids))

    def _at(self, name: str, moment: datetime | None) -> tuple[Campaign, datetime]:
        with self.parts.database.reading() as connection:
            campaign, _ = store.get(connection, name)
        return campaign, moment_of(campaign, moment, self.parts.clock())

    def _apply(self, campaign: Campaign) -> Applied:
        for name in campaign.channels:
            if name not in self.channels:
                raise ConfigError(
                    f"campaign {campaign.name!r} uses the channel {name!r}; write a [channels.{name}] section"
                )
        plugins.find("zhanggui.policies", campaign.policy)
        with self.parts.database.transaction() as connection:
            version = store.apply(connection, campaign, now=self.parts.clock())
        return Applied(name=campaign.name, version=version)
