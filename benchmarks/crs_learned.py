"""A dialogue policy that is learned for `crs.py`: from the belief rule by imitation, then by policy gradient."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zhanggui.evaluation.attribute_dialogue import Policy, State, Wishes, World
from zhanggui.evaluation.attribute_environment import AttributeEnvironment, belief_rule, look
from zhanggui.training.dialogue import learn
from zhanggui.training.dialogue_settings import DialogueSettings

SETTINGS = DialogueSettings(steps=50_000, imitation=8_000, discount=1.0)


def learned(
    world: World, wishes: Wishes, *, noise: Sequence[tuple[float, float]], seed: int, steps: int | None
) -> Policy:
    """Learn with these customers, of whom one in each share has such noise; the policy that takes the likeliest act."""
    settings = replace(SETTINGS, steps=steps or SETTINGS.steps)
    environment = AttributeEnvironment(world, wishes, noise=noise, rng=np.random.default_rng(seed))
    began = time.process_time()
    lesson = learn(environment, settings, seed=seed, teacher=belief_rule)
    print(f"seed {seed}: learned in {time.process_time() - began:.0f} s of processor time", file=sys.stderr, flush=True)
    names = ("step", "reward_a_dialogue", "entropy", "approximate_kl", "clip_fraction", "explained_variance")
    for record in lesson.curve[:: max(1, len(lesson.curve) // 12)]:
        print("  ".join(f"{name} {record[name]:.3f}" for name in names), file=sys.stderr)

    def policy(world: World, state: State, _rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        sight = look(world, state)
        shares = lesson.network.probabilities(sight.observation.features, sight.observation.legal)
        return sight.beliefs, shares.argmax(axis=1)

    return policy
