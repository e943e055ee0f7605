"""What it earned: decisions joined to events, rewards, lift against the holdout. `join` loads Ibis when it is used."""

from zhanggui.attribution.holdout import Difference, Lift, lift
from zhanggui.attribution.settings import AttributionSettings

__all__ = ["AttributionSettings", "Difference", "Lift", "lift"]
