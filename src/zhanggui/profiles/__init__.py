"""Who the customers are: identity, consent, features as of a moment, segments. Doors are modules of their own."""

from zhanggui.profiles.profile import SNAPSHOT_SCHEMA, LifecycleStage, Profile
from zhanggui.profiles.settings import LifecycleSettings, ProfileSettings

__all__ = ["SNAPSHOT_SCHEMA", "LifecycleSettings", "LifecycleStage", "Profile", "ProfileSettings"]
