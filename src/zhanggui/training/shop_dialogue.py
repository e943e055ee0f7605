"""The job that learns a dialogue policy with a shop's simulated shoppers, and keeps it as an artifact.

Knows how networks are kept and what is said of them; not how they learn.
"""

import json
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation.learned_act import NAME, LearnedPolicy, belief_rule
from zhanggui.evaluation.environment import Observation
from zhanggui.evaluation.shop_dialogues import hold, learned, rule
from zhanggui.evaluation.shop_environment import ShopEnvironment, Worth
from zhanggui.evaluation.shop_world import ShopWorld
from zhanggui.evaluation.shopper import Habits
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training.dialogue import Progress, learn
from zhanggui.training.dialogue_settings import DialogueSettings

_MEASURED = 500
"""Dialogues that each policy is measured in, at each share of wrong answers; of seeds that nothing was learned with."""
_OTHER_SEED = 10_000


def shop_dialogue(
    world: ShopWorld,
    settings: DialogueSettings,
    *,
    artifacts: ArtifactStore,
    now: datetime,
    habits: Habits | None = None,
    worth: Worth | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> Artifact:
    """Learn one network a seed and keep them together, with curves and what they reach beside the belief rule."""
    habits, worth = habits or Habits(), worth or Worth()
    config = asdict(settings) | {
        "kind": "dialogue policy",
        "simulator": asdict(habits) | asdict(worth),
        "products": len(world.product_ids),
        "aspects": world.aspect_names,
    }
    version, curves = f"{now:%Y%m%dT%H%M%S}", dict[str, Any]()
    with artifacts.create(NAME, version, now=now, config=config, data_hash=digest(world)) as draft:
        for seed in settings.seeds:
            rng = np.random.default_rng(seed)
            environment = ShopEnvironment(world, habits=habits, worth=worth, rng=rng)
            lesson = learn(environment, settings, seed=seed, teacher=_teacher, progress=progress)
            lesson.network.write(draft.path / f"network-{seed}.npz")
            curves[str(seed)] = lesson.curve
        (draft.path / "curves.json").write_text(json.dumps(curves), encoding="utf-8")
        policy = learned(LearnedPolicy.read(draft.path))
        for wrong in habits.wrong:
            for name, choose in (("learned", policy), ("belief", rule)):
                figures = hold(
                    world, choose, wrong=wrong, dialogues=_MEASURED, seed=settings.seeds[0] + _OTHER_SEED, habits=habits
                )
                draft.metrics[f"{name} at {wrong:.0%}"] = asdict(figures)
    return artifacts.get(NAME, version)


def digest(world: ShopWorld) -> str:
    """What a catalogue is told apart by: products, what they are, what they cost."""
    hasher = sha256(json.dumps([world.product_ids, world.aspect_names, world.values, world.aspects.tolist()]).encode())
    hasher.update(np.packbits(world.holds).tobytes() + world.prices.tobytes())
    return hasher.hexdigest()


def _teacher(observation: Observation) -> NDArray[np.int64]:
    return belief_rule(observation.features, observation.legal)
