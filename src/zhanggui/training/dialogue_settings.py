"""The knobs of learning a dialogue policy. Loads no torch."""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class DialogueSettings:
    """Policy gradient in simulated dialogues, begun by imitation of a rule."""

    method: Literal["ppo", "actor_critic"] = "ppo"
    """Proximal policy optimisation (Schulman et al. 2017), or one plain step of the gradient a rollout (Mnih et al. 2016)."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers, of actor and critic each."""
    steps: int = 200_000
    """Acts in simulated dialogues, those of the imitation not counted."""
    horizon: int = 16
    """Steps of each dialogue between two updates."""
    discount: float = 0.99
    """What a reward is worth one step later."""
    trace: float = 0.95
    """Lambda of the advantages: 1 trusts what was earned, 0 the critic."""
    learning_rate: float = 1e-3
    """At the beginning; it falls to zero in a line."""
    epochs: int = 4
    """Of "ppo": passes over a rollout."""
    minibatches: int = 4
    """Of "ppo": parts of a rollout, each a step of the optimiser."""
    clip: float = 0.2
    """Of "ppo": how far the ratio of new to old probability counts."""
    farthest: float = 0.05
    """Of "ppo": an approximate KL past this ends the passes over a rollout."""
    entropy: float = 0.01
    """Weight of the bonus for undecided acts."""
    imitation: int = 20_000
    """Acts of the rule that are imitated first; 0 begins with nothing."""
    smoothing: float = 0.1
    """Of the imitation: the probability that legal acts share besides the rule's, so that something is left to try."""
    critic_first: int = 5
    """Updates in which only the critic learns, for one that knows nothing would spoil what was imitated."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One network each; a seed fixes its run."""
