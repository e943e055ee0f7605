"""Policy gradient: an actor that weighs legal acts, a critic that foretells what they earn, and the losses of both.

Formulas: advantage actor-critic (Mnih et al. 2016), generalised advantages (Schulman et al. 2016), PPO (Schulman et al.
2017). Time first: T steps of n dialogues. Knows no environment and no optimiser.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zhanggui.policies.network import Network

Array = NDArray[np.float32]
_NEVER = -1e9
"""The logit of an act that is not legal: its probability is 0 in float32, its gradient too."""


class ActorCritic(nn.Module):  # type: ignore[misc]
    """Two perceptrons that read the same features, standardised by `center` and `spread`."""

    def __init__(self, features: int, acts: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.actor = _perceptron((features, *hidden, acts), last=0.01)  # every act is alike at first
        self.critic = _perceptron((features, *hidden, 1), last=1.0)

    def log_probabilities(self, features: Tensor, legal: Tensor) -> Tensor:
        """log pi(a | s) of every act (..., a)."""
        logits = self.actor((features - self.center) / self.spread)
        return torch.log_softmax(logits.masked_fill(~legal, _NEVER), dim=-1)

    def values(self, features: Tensor) -> Tensor:
        """V(s), (...)."""
        return self.critic((features - self.center) / self.spread).squeeze(-1)

    def network(self) -> Network:
        """The actor, to be served without torch."""
        layers = [layer for layer in self.actor if isinstance(layer, nn.Linear)]
        return Network(
            center=self.center.numpy().copy(),
            spread=self.spread.numpy().copy(),
            weights=tuple(layer.weight.detach().numpy().copy() for layer in layers),
            biases=tuple(layer.bias.detach().numpy().copy() for layer in layers),
        )


def _perceptron(sizes: tuple[int, ...], *, last: float) -> nn.Sequential:
    """Linear layers with tanh between them, orthogonal as in CleanRL's ppo.py."""
    layers: list[nn.Module] = []
    for size, following in pairwise(sizes):
        layers += [nn.Linear(size, following), nn.Tanh()]
        nn.init.orthogonal_(layers[-2].weight, 2**0.5)
        nn.init.zeros_(layers[-2].bias)
    nn.init.orthogonal_(layers[-2].weight, last)
    return nn.Sequential(*layers[:-1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """T steps of n dialogues as the policy of that moment held them."""

    features: Array
    """(T, n, f)"""
    legal: NDArray[np.bool_]
    """(T, n, a)"""
    acts: NDArray[np.int64]
    """(T, n)"""
    log_probabilities: Array
    """(T, n) log pi(a_t | s_t) of the acts that were chosen."""
    values: Array
    """(T, n) V(s_t)."""
    next_values: Array
    """(T, n) V of the state that the act led to, of the same dialogue also where that is over."""
    rewards: Array
    """(T, n)"""
    ended: NDArray[np.bool_]
    """(T, n)"""
    cut_off: NDArray[np.bool_]
    """(T, n)"""


def advantages(rollout: Rollout, *, discount: float, trace: float) -> Array:
    """A_t (T, n) by the recursion of GAE(discount, trace).

    delta_t = r_t + discount V(s_t+1) - V(s_t), where V(s_t+1) is 0 if the dialogue ended, and counts if it was cut off;
    A_t = delta_t + discount trace A_t+1, which neither an end nor a cut crosses, for the next row is another dialogue.
    """
    goes_on, same = ~rollout.ended, ~(rollout.ended | rollout.cut_off)
    deltas = rollout.rewards + discount * goes_on * rollout.next_values - rollout.values
    found, following = np.zeros_like(deltas), np.zeros_like(deltas[0])
    for moment in reversed(range(len(deltas))):
        following = deltas[moment] + discount * trace * same[moment] * following
        found[moment] = following
    return found


def policy_loss(new: Tensor, old: Tensor, gained: Tensor, *, clip: float | None) -> Tensor:
    """Minus the surrogate of J, a mean over steps; `new`, `old`: log pi(a|s) now and when it was chosen, `gained`: A.

    Its gradient at new = old is that of J: E[A grad log pi(a|s)]. PPO clips the ratio new / old to 1 +- `clip`, so that
    one rollout serves several steps of the optimiser; None is the plain policy gradient.
    """
    if clip is None:
        return -(new * gained).mean()
    ratio = (new - old).exp()
    return -torch.minimum(ratio * gained, ratio.clamp(1 - clip, 1 + clip) * gained).mean()


def entropy(log_probabilities: Tensor) -> Tensor:
    """Mean over rows of -sum p log p, in nats."""
    return -(log_probabilities.exp() * log_probabilities).sum(-1).mean()


def approximate_kl(new: Tensor, old: Tensor) -> float:
    """KL(old || new) by the estimator (r - 1) - log r, which is never negative (Schulman 2020)."""
    difference = new - old
    return float((difference.exp() - 1 - difference).mean())


def clip_fraction(new: Tensor, old: Tensor, clip: float) -> float:
    """The share of steps whose ratio lies outside 1 +- `clip`."""
    return float((((new - old).exp() - 1).abs() > clip).float().mean())


def explained_variance(foretold: Array, earned: Array) -> float:
    """1 - var(earned - foretold) / var(earned): 1 is a perfect critic, 0 one that knows the mean; nan where nothing varies."""
    spread = float(np.var(earned))
    return 1 - float(np.var(earned - foretold)) / spread if spread > 0 else float("nan")
