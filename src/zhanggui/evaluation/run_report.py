"""Gathers the report of a run from what its steps left behind: decisions, copies, outbox, rewards. Renders nothing."""

from collections import Counter

import numpy as np
import pyarrow as pa

from zhanggui.attribution.holdout import lift
from zhanggui.campaigns.campaign import Campaign, offers
from zhanggui.campaigns.learn import UNTAUGHT, load_policy, responses
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.decisioning.decide import Decisions
from zhanggui.decisioning.explain import title
from zhanggui.delivery import outbox
from zhanggui.errors import NotFoundError
from zhanggui.evaluation.report import ActionResult, RunReport
from zhanggui.touches import flows


def report(parts: RunParts, campaign: Campaign, run: Run) -> RunReport:
    """The report as of now. Raises NotFoundError for a run that has not decided yet."""
    batches = parts.decisions.read(run.run_id)
    rewards = responses(parts, campaign, run)
    with parts.database.reading() as connection:
        counts = outbox.counts(connection, run.run_id)
        flow = flows.get(connection, run.run_id)
    arms = Counter(one for one in rewards["arm"].to_pylist())
    written = run.results.get("write", {})
    compared = rewards.filter(pa.array([one != "suppressed" for one in rewards["arm"].to_pylist()]))
    treated = np.array([one == "treated" for one in compared["arm"].to_pylist()], dtype=np.bool_)
    if not written:
        raise NotFoundError(f"run {run.run_id!r} has written nothing yet: it is still under way or was cut off")
    return RunReport(
        run_id=run.run_id,
        campaign=campaign.name,
        moment=f"{run.moment:%Y-%m-%d %H:%M} UTC",
        state=run.state(flow=flow.state, messages=counts.states),
        reason=flow.reason or run.failure,
        as_of=f"{parts.clock():%Y-%m-%d %H:%M} UTC",
        customers=rewards.num_rows,
        arms=dict(arms),
        silent=sum(_silent(batch) for batch in batches),
        forbidden=dict(sum((_forbidden(batch) for batch in batches), Counter()).most_common()),
        briefs=written["briefs"],
        from_model=written["from_model"],
        templates=written.get("templates", {}),
        prompt_tokens=written["prompt_tokens"],
        completion_tokens=written["completion_tokens"],
        candidates=written["candidates"],
        passed=written["passed"],
        rejected=written["rejected"],
        states=counts.states,
        refused=counts.refused,
        dead=counts.dead,
        in_doubt=counts.in_doubt,
        mature=all(rewards["mature"].to_pylist()),
        lift=lift(
            np.asarray(compared["orders"].to_numpy() > 0),
            compared["revenue_minor"].to_numpy().astype(np.float64),
            treated,
            share=campaign.holdout,
            confidence=parts.attribution.confidence,
        ),
        actions=_actions(parts, campaign, batches, rewards),
        policy_before=run.results.get("decide", {}).get("policy_version", UNTAUGHT),
        policy_after=load_policy(parts, campaign)[1],
        replayed=parts.replayed,
    )


def _silent(batch: Decisions) -> int:
    quiet = np.array([action.kind == "nothing" for action in batch.actions] + [True])
    return int((quiet[batch.intended] & (batch.arms == 0)).sum())


def _forbidden(batch: Decisions) -> Counter[str]:
    """Of suppressed customers, the rules that forbade something, each customer once a rule."""
    rows = batch.forbidding[batch.arms == 2]
    return Counter(
        {
            code: int(((rows >> np.uint32(bit)) & 1).any(axis=1).sum())
            for bit, code in enumerate(batch.rules)
            if len(rows) and ((rows >> np.uint32(bit)) & 1).any()
        }
    )


def _actions(parts: RunParts, campaign: Campaign, batches: list[Decisions], rewards: pa.Table) -> list[ActionResult]:
    bought = dict(zip(rewards["decision_id"].to_pylist(), (rewards["orders"].to_numpy() > 0).tolist(), strict=True))
    known = offers(campaign, parts.currency)
    chosen: Counter[str] = Counter()
    shares: Counter[str] = Counter()
    won: Counter[str] = Counter()
    # By id, not by column: batches need not have chosen among the same actions.
    actions = {action.action_id: action for batch in batches for action in batch.actions}
    for batch in batches:
        for row in np.flatnonzero((batch.arms == 0) & (batch.intended >= 0)):
            action = batch.actions[int(batch.intended[row])].action_id
            chosen[action] += 1
            shares[action] += batch.propensities[row]
            won[action] += bought[batch[int(row)].decision_id]
    return [
        ActionResult(
            title=title(actions[action], known, parts.language),
            chosen=count,
            mean_propensity=float(shares[action]) / count,
            converted=won[action],
        )
        for action, count in chosen.most_common()
    ]
