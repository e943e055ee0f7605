"""The record that audit, explanation, off-policy evaluation and learning all read. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zhanggui.decisioning.action import Action

Arm = Literal["treated", "holdout", "suppressed"]
"""treated: the policy chose (maybe nothing); holdout: chosen but kept silent; suppressed: no message was allowed."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided for one customer in one run, also for NoAction and for holdouts."""

    decision_id: str
    """Deterministic in (run_id, customer_id)."""
    run_id: str
    customer_id: str
    decided_at: datetime
    arm: Arm
    action: Action
    """What is done: NO_ACTION for holdout and suppressed."""
    intended: Action
    """What the policy chose; differs from `action` only for a holdout, whose message is kept back."""
    propensity: float
    """Probability with which the policy chose `intended`."""
    policy: str
    policy_version: str
    snapshot_version: str
    candidate_set_id: str
    candidates: tuple[str, ...]
    """Ids of the eligible actions."""
    context: tuple[float, ...]
    """The policy's features, in the order of its feature names."""
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Action id -> codes of what forbade it ("no_consent", "cap:email:7d", "quiet_hours", "out_of_stock", ...)."""
    personalised: bool = True
    """False when she refused personalisation: the non-personalised arm, no profile fact used."""
