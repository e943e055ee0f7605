"""Choice under uncertainty: pure maths, no marketing."""

from zhanggui.policies.linear import LinearThompsonPolicy
from zhanggui.policies.policy import Policy, Selection, Selections
from zhanggui.policies.thompson import ThompsonPolicy
from zhanggui.policies.uniform import UniformPolicy

__all__ = ["LinearThompsonPolicy", "Policy", "Selection", "Selections", "ThompsonPolicy", "UniformPolicy"]
