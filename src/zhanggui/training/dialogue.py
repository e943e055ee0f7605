"""Learns a dialogue policy in simulated dialogues: imitation of a rule, then policy gradient, a seed at a time.

Knows arrays of features, legal acts and rewards; no catalogue, customer or sentence. One seed fixes a run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.environment import Environment, Observation
from zhanggui.policies.network import Network
from zhanggui.training.dialogue_settings import DialogueSettings

if TYPE_CHECKING:
    from zhanggui.training.actor_critic import ActorCritic, Rollout

Teacher = Callable[[Observation], NDArray[np.int64]]
"""The rule that is imitated: the act (n,) of each dialogue."""
Progress = Callable[[str, int, int], None]
_IMITATION_EPOCHS = 10
_BATCH = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """What one seed learned, and how."""

    network: Network
    curve: tuple[dict[str, float], ...]
    """One record an update: step, mean reward, entropy, approximate KL, clip fraction, explained variance, losses."""


def learn(
    environment: Environment,
    settings: DialogueSettings,
    *,
    seed: int,
    teacher: Teacher | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> Learned:
    """Learn by `settings`; without a teacher from nothing. The environment brings random numbers of its own."""
    import torch

    from zhanggui.training.actor_critic import ActorCritic, explained_variance
    from zhanggui.training.actor_critic import advantages as gae

    first = environment.observe()
    dialogues, features = first.features.shape
    dice = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ActorCritic(features, first.legal.shape[1], settings.hidden)
    if teacher is not None and settings.imitation:
        _imitate(model, environment, teacher, settings, dice)
        progress("imitate", settings.imitation, settings.imitation)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, eps=1e-5)
    updates = max(1, settings.steps // (settings.horizon * dialogues))
    curve = []
    for update in range(updates):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - update / updates)
        rollout = roll_out(model, environment, settings.horizon, dice)
        gained = gae(rollout, discount=settings.discount, trace=settings.trace)
        returns = gained + rollout.values
        record = _update(
            model, optimizer, rollout, gained, returns, settings, dice, moves=update >= settings.critic_first
        )
        record["explained_variance"] = explained_variance(rollout.values, returns)
        record["reward_a_step"] = float(rollout.rewards.mean())
        record["reward_a_dialogue"] = float(rollout.rewards.sum() / max(1, (rollout.ended | rollout.cut_off).sum()))
        record["step"] = float((update + 1) * settings.horizon * dialogues)
        curve.append(record)
        progress("learn", settings.horizon * dialogues, updates * settings.horizon * dialogues)
    return Learned(network=model.network(), curve=tuple(curve))


def roll_out(model: "ActorCritic", environment: Environment, horizon: int, dice: Any) -> "Rollout":
    """Hold `horizon` steps of every dialogue with the policy as it is; `dice` is a generator of torch."""
    import torch

    from zhanggui.training.actor_critic import Rollout

    seen: dict[str, list[NDArray[Any]]] = {name: [] for name in Rollout.__dataclass_fields__}
    with torch.no_grad():
        for _ in range(horizon):
            now = environment.observe()
            features, legal = torch.from_numpy(now.features), torch.from_numpy(now.legal)
            every = model.log_probabilities(features, legal)
            acts = torch.multinomial(every.exp(), 1, generator=dice)
            step = environment.step(acts[:, 0].numpy())
            moment = {
                "features": now.features,
                "legal": now.legal,
                "acts": acts[:, 0].numpy(),
                "log_probabilities": every.gather(1, acts)[:, 0].numpy(),
                "values": model.values(features).numpy(),
                "next_values": model.values(torch.from_numpy(step.reached.features)).numpy(),
                "rewards": step.rewards.astype(np.float32),
                "ended": step.ended,
                "cut_off": step.cut_off,
            }
            for name, values in moment.items():
                seen[name].append(values)
    return Rollout(**{name: np.stack(values) for name, values in seen.items()})


def _update(
    model: "ActorCritic",
    optimizer: Any,
    rollout: "Rollout",
    gained: NDArray[np.float32],
    returns: NDArray[np.float32],
    settings: DialogueSettings,
    dice: Any,
    *,
    moves: bool,
) -> dict[str, float]:
    """Let actor (where it `moves`) and critic learn from one rollout."""
    import torch

    from zhanggui.training import actor_critic as losses

    given = {name: torch.from_numpy(getattr(rollout, name)).flatten(0, 1)
             for name in ("features", "legal", "acts", "log_probabilities")}  # fmt: skip
    old, target = given["log_probabilities"], torch.from_numpy(returns).flatten()
    scaled = torch.from_numpy(gained).flatten()
    scaled = (scaled - scaled.mean()) / (scaled.std() + 1e-8)
    proximal = settings.method == "ppo"
    clip = settings.clip if proximal else None
    size = -(-len(old) // settings.minibatches) if proximal else len(old)
    far, record = False, dict[str, float]()
    for _ in range(settings.epochs if proximal else 1):
        for rows in torch.randperm(len(old), generator=dice).split(size):
            every = model.log_probabilities(given["features"][rows], given["legal"][rows])
            new = every.gather(1, given["acts"][rows, None])[:, 0]
            acting = losses.policy_loss(new, old[rows], scaled[rows], clip=clip)
            bonus = losses.entropy(every)
            missed = 0.5 * (model.values(given["features"][rows]) - target[rows]).square().mean()
            loss = missed + (acting - settings.entropy * bonus if moves and not far else 0.0)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            parts = {"policy_loss": acting, "value_loss": missed, "entropy": bonus}
            record = {name: float(part.detach()) for name, part in parts.items()}
        with torch.no_grad():
            every = model.log_probabilities(given["features"], given["legal"])
            new = every.gather(1, given["acts"][:, None])[:, 0]
        record["approximate_kl"] = losses.approximate_kl(new, old)
        record["clip_fraction"] = losses.clip_fraction(new, old, settings.clip)
        far = record["approximate_kl"] > settings.farthest
    return record


def _imitate(
    model: "ActorCritic", environment: Environment, teacher: Teacher, settings: DialogueSettings, dice: Any
) -> None:
    """Make the rule's acts likely: cross-entropy to them, smoothed over what is legal. Sets what features look like."""
    import torch

    seen: list[tuple[Observation, NDArray[np.int64]]] = []
    while sum(len(acts) for _, acts in seen) < settings.imitation:
        now = environment.observe()
        seen.append((now, teacher(now)))
        environment.step(seen[-1][1])
    features = torch.from_numpy(np.concatenate([now.features for now, _ in seen]))
    legal = torch.from_numpy(np.concatenate([now.legal for now, _ in seen]))
    acts = torch.from_numpy(np.concatenate([acts for _, acts in seen]))
    model.center.copy_(features.mean(0))
    model.spread.copy_(features.std(0).clamp(min=1e-2))
    wanted = settings.smoothing * legal / legal.sum(1, keepdim=True)
    wanted.scatter_add_(1, acts[:, None], torch.full((len(acts), 1), 1 - settings.smoothing))
    optimizer = torch.optim.Adam(model.actor.parameters(), lr=settings.learning_rate)
    for _ in range(_IMITATION_EPOCHS):
        for rows in torch.randperm(len(acts), generator=dice).split(_BATCH):
            loss = -(wanted[rows] * model.log_probabilities(features[rows], legal[rows])).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
