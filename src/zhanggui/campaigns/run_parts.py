"""Everything that a run touches, composed by the engine: stores, settings, model, channels, clock. Does nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from zhanggui.attribution.reward import RewardLog
from zhanggui.attribution.settings import AttributionSettings
from zhanggui.catalog.product import Language
from zhanggui.content.compose import Sender
from zhanggui.content.settings import ContentSettings
from zhanggui.decisioning.action import Action
from zhanggui.decisioning.log import DecisionLog
from zhanggui.delivery.channel import Channel
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.delivery.pace import Pace
from zhanggui.events.log import EventLog
from zhanggui.llm.model import LanguageModel
from zhanggui.policies.policy import Policy
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.storage import ArtifactStore, Database
from zhanggui.touches.contact_limits import ContactLimits
from zhanggui.touches.ownership import OwnershipSettings

Progress = Callable[[str, int, int | None], None]
"""(step, how much more is done, total if known)"""


@dataclass(frozen=True, kw_only=True)
class RunParts:
    """The parts of one shop."""

    database: Database
    events: EventLog
    artifacts: ArtifactStore
    decisions: DecisionLog
    rewards: RewardLog
    model: Callable[[], LanguageModel | None]
    """Loaded when first asked for; None when the shop has none."""
    model_languages: tuple[Language, ...]
    channels: Callable[[], Mapping[str, Channel]]
    new_policy: Callable[[str], Policy[Action]]
    """By name; knows nothing yet."""
    unsubscribe_url: Callable[[str, str, Language], str]
    """(customer id, channel, language) -> link"""
    sender: Sender
    currency: str
    language: Language
    time_zone: str
    profiles: ProfileSettings
    limits: ContactLimits
    content: ContentSettings
    delivery: DeliverySettings
    attribution: AttributionSettings
    clock: Callable[[], datetime]
    replayed: bool
    paces: Mapping[str, Pace] = field(default_factory=dict)
    """How fast each channel goes, by its name."""
    ownership: OwnershipSettings = field(default_factory=OwnershipSettings)
    progress: Progress = lambda _step, _done, _total: None
