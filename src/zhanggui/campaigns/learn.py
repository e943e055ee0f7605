"""Closes the loop: joins a run's responses and teaches the policy a new version. A run is learned from once.

What a version has learned from stands in its manifest. Knows nothing of how a policy learns.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from zhanggui.attribution.join import join
from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.decisioning.action import Action
from zhanggui.errors import ArtifactError
from zhanggui.policies.policy import Policy, Selections
from zhanggui.profiles.identity import resolve
from zhanggui.storage import Artifact

UNTAUGHT = "0"
"""The version of a policy that has learned nothing."""
_FILE = "state.json"


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a call of `learn` did."""

    rewards: int
    """Decisions whose window had closed."""
    learned: int
    """Of them, how many taught the policy now; 0 when this run had taught it before."""
    policy_version: str


def load_policy(parts: RunParts, campaign: Campaign) -> tuple[Policy[Action], str]:
    """The campaign's policy as it stands, and its version."""
    policy = parts.new_policy(campaign.policy)
    latest = _latest(parts, campaign)
    if latest is None:
        return policy, UNTAUGHT
    policy.restore(json.loads((latest.path / _FILE).read_text(encoding="utf-8")))
    return policy, latest.version


def responses(parts: RunParts, campaign: Campaign, run: Run) -> pa.Table:
    """The run's decisions joined to what happened since, as of now. Reads only."""
    with parts.events.read() as events:
        with parts.database.reading() as connection:
            resolution = resolve(connection)
        return join(
            parts.decisions.table(run.run_id),
            events,
            resolution,
            window_days=campaign.window_days,
            reward=campaign.reward,
            now=parts.clock(),
            currency=parts.currency,
        )


def learn(parts: RunParts, campaign: Campaign, run: Run) -> Learned:
    """Keep what a run earned, and teach the policy from the treated decisions of a run whose window has closed."""
    rewards = responses(parts, campaign, run)
    parts.rewards.write(run.run_id, rewards)
    mature = rewards.filter(rewards["mature"])
    latest = _latest(parts, campaign)
    before = latest.config["runs"] if latest else []
    if mature.num_rows < rewards.num_rows or mature.num_rows == 0 or run.run_id in before:
        return Learned(rewards=mature.num_rows, learned=0, policy_version=latest.version if latest else UNTAUGHT)
    policy, _ = load_policy(parts, campaign)
    earned = dict(zip(mature["decision_id"].to_pylist(), mature["reward"].to_pylist(), strict=True))
    taught = 0
    for batch in parts.decisions.read(run.run_id):
        treated = np.flatnonzero((batch.arms == 0) & (batch.intended >= 0))
        values = np.array([earned[batch[int(row)].decision_id] for row in treated], dtype=np.float64)
        policy.update(
            batch.contexts[treated],
            Selections(
                actions=batch.actions, indices=batch.intended[treated], propensities=batch.propensities[treated]
            ),
            values,
        )
        taught += len(treated)
    runs = [*before, run.run_id]
    version = hashlib.sha256("\x1f".join(runs).encode()).hexdigest()[:12]
    digest = hashlib.sha256(json.dumps(earned, sort_keys=True).encode()).hexdigest()
    config = {"policy": campaign.policy, "campaign": campaign.name, "runs": runs}
    with parts.artifacts.create(_name(campaign), version, now=parts.clock(), config=config, data_hash=digest) as draft:
        (draft.path / _FILE).write_text(json.dumps(policy.state()), encoding="utf-8")
        draft.metrics.update(learned=taught, mean_reward=float(np.mean(list(earned.values()))))
    return Learned(rewards=mature.num_rows, learned=taught, policy_version=version)


def _name(campaign: Campaign) -> str:
    return f"policies/{campaign.name}-{campaign.policy}"


def _latest(parts: RunParts, campaign: Campaign) -> Artifact | None:
    try:
        return parts.artifacts.get(_name(campaign))
    except ArtifactError:
        return None
