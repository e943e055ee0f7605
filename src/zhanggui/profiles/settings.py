"""The knobs of profiles, with their defaults. Computes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LifecycleSettings:
    """Where one life-cycle stage ends and the next begins, in multiples of a customer's own rhythm."""

    default_gap_days: float = 30.0
    """Expected days between orders while a customer has fewer than `own_rhythm_orders` orders."""
    own_rhythm_orders: int = 3
    """From this many orders on, her own mean gap counts."""
    shortest_gap_days: float = 7.0
    """A gap never counts as shorter: who shops daily is not at risk after three days."""
    at_risk_gaps: float = 2.0
    """At risk: no order for more than this many gaps."""
    lapsed_gaps: float = 5.0
    """Lapsed: no order for more than this many gaps."""
    loyal_orders: int = 5
    """Loyal: at least this many orders, the last one not long ago."""


@dataclass(frozen=True, kw_only=True)
class ProfileSettings:
    """How features are computed from events."""

    half_life_days: float = 60.0
    """An event's weight in an affinity halves every so many days."""
    view_weight: float = 1.0
    """Weight of a viewed product."""
    cart_weight: float = 3.0
    """Weight of a product added to the cart."""
    order_weight: float = 5.0
    """Weight of each unit ordered."""
    affinities: int = 10
    """How many categories and brands are kept, the strongest first."""
    browsing_days: float = 30.0
    """Window of `views` and `carts`."""
    engagement_days: float = 90.0
    """Window of `messages_received`, `messages_opened` and `messages_clicked`."""
    lifecycle: LifecycleSettings = LifecycleSettings()
    """Where one life-cycle stage ends and the next begins."""
