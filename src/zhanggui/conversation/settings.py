"""How the shop's assistant works, as frozen settings. Decides nothing."""

from dataclasses import dataclass
from typing import Literal

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, kw_only=True)
class ConversationSettings:
    """The assistant that talks with shoppers."""

    policy_version: str = ""
    """Version of the dialogue policy that `zhanggui train dialogue` made, or "latest"; "" is the belief rule."""
    understander: str = "rules"
    """Who understands shoppers: "rules", "model" (the shop's language model), or NAME[:VERSION] of a trained encoder."""
    office_days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    """On which days people of the shop answer."""
    office_from: str = "09:00"
    """From when they do, in the shop's time zone."""
    office_until: str = "18:00"
    """Until when."""
    answer_minutes: int = 10
    """How soon a person answers within these hours; shoppers are told so."""
    hand_over_url: str = ""
    """Web address of the shop's own desk, told of each hand-over by a signed webhook; "" for none: the inbox has them."""
    hand_over_secret_env: str = "ZHANGGUI_HAND_OVER_SECRET"  # noqa: S105 - the variable's name
    """Name of the environment variable that holds the webhook's secret (whsec_...)."""
    hand_over_timeout_s: float = 10.0
    """Time for an answer of the shop's own desk."""
    hand_over_allow_private: bool = False
    """Whether `hand_over_url` may be on this machine or a private network."""
    keep_days: int = 180
    """Conversations are deleted so many days after their last turn."""
    longest_turn: int = 2_000
    """Characters of a turn; what is beyond is not read."""
    turns_per_minute: int = 20
    """Of one visitor."""
    conversations_per_hour: int = 30
    """That one address may begin with a chat key."""
    allowed_origins: tuple[str, ...] = ()
    """Web sites (such as "https://www.example.com") whose pages may talk with the assistant; "*" for any."""
