"""Next best action: candidates, eligibility, holdout, decision, its log and its explanation."""

from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.decision import Arm, Decision

__all__ = ["NO_ACTION", "Action", "Arm", "Decision", "Offer"]
