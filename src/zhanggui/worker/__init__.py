"""What happens by itself: steps that are done again and again beside a shop's doors, by one worker or by many."""

from zhanggui.worker.loop import Outcome, Step, work
from zhanggui.worker.steps import steps

__all__ = ["Outcome", "Step", "steps", "work"]
