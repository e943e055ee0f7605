"""How well a dialogue policy does with a shop's simulated shoppers: success, turns, value of the orders. Knows no sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhanggui.conversation.learned_act import RECOMMEND, LearnedPolicy, belief_rule
from zhanggui.evaluation.environment import Observation
from zhanggui.evaluation.shop_environment import SHOWN, Happening, ShopEnvironment
from zhanggui.evaluation.shop_world import ShopWorld
from zhanggui.evaluation.shopper import Habits

SHARES = (0.0, 0.1, 0.25)
"""Of wrong answers, at which policies are compared."""
Chooser = Callable[[Observation, np.random.Generator], NDArray[np.int64]]
"""The act of each dialogue."""
_CANDIDATES = 4
"""The feature that holds the logarithm of how many products are in question."""


@dataclass(frozen=True, kw_only=True)
class DialogueFigures:
    """What a policy reached; each a mean over dialogues."""

    success: float
    """Share that ended with a product bought."""
    turns: float
    value: float
    """Of the orders, in units of the currency; 0 where nothing was bought."""


_FIGURES = tuple(field.name for field in fields(DialogueFigures))


def rule(observation: Observation, _rng: np.random.Generator) -> NDArray[np.int64]:
    """The belief rule."""
    return belief_rule(observation.features, observation.legal)


def max_entropy(observation: Observation, rng: np.random.Generator) -> NDArray[np.int64]:
    """Ask what tells most; show products with probability (how many are shown) / (how many there are)."""
    shows = rng.random(len(observation.legal)) < SHOWN / 10 ** observation.features[:, _CANDIDATES]
    return np.where(shows | ~observation.legal[:, 1], RECOMMEND, 1)


def at_random(observation: Observation, rng: np.random.Generator) -> NDArray[np.int64]:
    """Any legal act."""
    return np.asarray((rng.random(observation.legal.shape) * observation.legal).argmax(axis=1))


def learned(policy: LearnedPolicy) -> Chooser:
    """A learned policy as it serves: an act is drawn."""

    def choose(observation: Observation, rng: np.random.Generator) -> NDArray[np.int64]:
        shares = policy.probabilities(observation.features, observation.legal).cumsum(axis=1)
        return np.asarray((shares <= rng.random((len(shares), 1)) * shares[:, -1:]).sum(axis=1))

    return choose


BASELINES: Mapping[str, Chooser] = {"belief": rule, "max_entropy": max_entropy, "random": at_random}


def hold(
    world: ShopWorld, choose: Chooser, *, wrong: float, dialogues: int, seed: int, habits: Habits | None = None
) -> DialogueFigures:
    """Hold so many dialogues, each to its end, with shoppers of whose answers `wrong` are wrong."""
    bought, turns = np.full(dialogues, -1), np.zeros(dialogues, dtype=np.int64)

    def note(happening: Happening) -> None:
        first = happening.over & (turns == 0)  # later dialogues of the same row would favour the short ones
        bought[first], turns[first] = happening.bought[first], happening.turns[first]

    rng, dice = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    habits = replace(habits or Habits(), wrong=(wrong,))
    environment = ShopEnvironment(world, dialogues=dialogues, habits=habits, rng=rng, heard=note)
    while not turns.all():
        environment.step(choose(environment.observe(), dice))
    value = np.where(bought >= 0, world.prices[bought], 0.0)
    return DialogueFigures(success=float((bought >= 0).mean()), turns=float(turns.mean()), value=float(value.mean()))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a policy reached at one share of wrong answers: means over seeds, and half of their 95% intervals (Student's)."""

    policy: str
    wrong: float
    mean: DialogueFigures
    half: DialogueFigures | None
    """None of a single seed."""


def compare(
    world: ShopWorld, policies: Mapping[str, Chooser], *, dialogues: int, seeds: Sequence[int]
) -> list[Compared]:
    """Hold so many dialogues with each policy, seed and share of wrong answers; of one seed all meet the same shoppers first."""
    found = []
    for wrong in SHARES:
        for name, choose in policies.items():
            held = [hold(world, choose, wrong=wrong, dialogues=dialogues, seed=seed) for seed in seeds]
            rows = np.array([astuple(figures) for figures in held])
            half = None
            if len(rows) > 1:
                spread = stats.t.ppf(0.975, len(rows) - 1) * rows.std(axis=0, ddof=1) / len(rows) ** 0.5
                half = DialogueFigures(**dict(zip(_FIGURES, spread.tolist(), strict=True)))
            mean = DialogueFigures(**dict(zip(_FIGURES, rows.mean(axis=0).tolist(), strict=True)))
            found.append(Compared(policy=name, wrong=wrong, mean=mean, half=half))
    return found
