"""Settings of orders, policy pages and the service desk."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What customers may ask about their orders, and who does what they ask for."""

    policies: str = "policies"
    """Folder of the policy pages (*.md), relative to the shop's folder."""
    token_hours: float = 24.0
    """Longest time that a visitor token may be valid."""
    desk_url: str = ""
    """Where the shop's own system hears what customers ask for with their orders (a signed webhook); "" to change orders in
    Zhanggui's own tables."""
    desk_secret_env: str = "ZHANGGUI_DESK_SECRET"  # noqa: S105 - the variable's name
    """Name of the environment variable that holds the webhook's secret (whsec_...)."""
    desk_timeout_s: float = 10.0
    """Time for an answer of the shop's own system; the customer waits."""
    desk_allow_private: bool = False
    """Whether `desk_url` may be on this machine or a private network."""
