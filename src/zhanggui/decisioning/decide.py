"""The next best action for a batch of customers: eligibility, holdout, policy, decision. One call, vectorised.

Pure: what is known of the customers, the clock and the policy are arguments, and the random numbers follow from
the run and the customer, so that the same versions give the same decisions in any batching.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zhanggui.catalog.product import Product
from zhanggui.decisioning import assignment
from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.context import contexts
from zhanggui.decisioning.decision import Arm, Decision
from zhanggui.decisioning.eligibility import Mask, Reach, forbidden
from zhanggui.policies.policy import Policy

ARMS: tuple[Arm, ...] = ("treated", "holdout", "suppressed")


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What a decision depends on, by name."""

    run_id: str
    policy: str
    policy_version: str
    snapshot_version: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Decisions(Sequence[Decision]):
    """Decisions of n customers over k actions, as columns; reads as a sequence of `Decision`."""

    versions: Versions
    decided_at: datetime
    actions: tuple[Action, ...]
    customer_ids: Sequence[str]
    arms: NDArray[np.int8]
    """(n,) index into ARMS."""
    intended: NDArray[np.int64]
    """(n,) index into `actions` of what the policy chose."""
    propensities: NDArray[np.float64]
    """(n,)"""
    rules: tuple[str, ...]
    """Codes of the rules that forbade something."""
    forbidding: NDArray[np.uint32]
    """(n, k) bit r is set where rules[r] forbids the action."""
    contexts: NDArray[np.float64]
    """(n, d)"""
    personalised: Mask
    """(n,)"""

    @property
    def candidate_set_id(self) -> str:
        """Stable id of the actions among which the run chose."""
        return hashlib.sha256("\x1f".join(one.action_id for one in self.actions).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.customer_ids)

    @overload
    def __getitem__(self, row: int) -> Decision: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Decision]: ...
    def __getitem__(self, row: int | slice) -> Decision | Sequence[Decision]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        intended = self.actions[self.intended[row]] if self.intended[row] >= 0 else NO_ACTION
        arm = ARMS[self.arms[row]]
        bits = self.forbidding[row]
        reasons = {
            action.action_id: tuple(code for r, code in enumerate(self.rules) if bits[column] >> r & 1)
            for column, action in enumerate(self.actions)
            if bits[column]
        }
        return Decision(
            decision_id=decision_id(self.versions.run_id, self.customer_ids[row]),
            run_id=self.versions.run_id,
            customer_id=self.customer_ids[row],
            decided_at=self.decided_at,
            arm=arm,
            action=intended if arm == "treated" else NO_ACTION,
            intended=intended,
            propensity=float(self.propensities[row]),
            policy=self.versions.policy,
            policy_version=self.versions.policy_version,
            snapshot_version=self.versions.snapshot_version,
            candidate_set_id=self.candidate_set_id,
            candidates=tuple(a.action_id for a, bit in zip(self.actions, bits, strict=True) if not bit),
            context=tuple(self.contexts[row].tolist()),
            reasons=reasons,
            personalised=bool(self.personalised[row]),
        )

    def __iter__(self) -> Iterator[Decision]:
        return (self[row] for row in range(len(self)))


def decide(
    profiles: pa.Table,
    actions: Sequence[Action],
    *,
    versions: Versions,
    policy: Policy[Action],
    offers: Mapping[str, Offer],
    products: Mapping[str, Product],
    reach: Mapping[str, Reach],
    personalised: Mask,
    holdout: float,
    salt: str,
    now: datetime,
    draw: str = "draw",
) -> Decisions:
    """Decide for every row of `profiles` (SNAPSHOT_SCHEMA) among `actions`.

    `reach` and `personalised` come from `eligibility.gather`, in the rows' order. `holdout` is a share; `salt` names
    what customers are held out of. `draw` names the run's random numbers: who is decided for once more needs others than
    before, since what the first ones chose is why she is asked for. Raises PredicateError for an offer whose predicate
    is wrong.
    """
    customer_ids: list[str] = profiles["customer_id"].to_pylist()
    rules = forbidden(
        profiles, actions, offers=offers, products=products, reach=reach, personalised=personalised, now=now
    )
    forbidding = np.zeros((len(customer_ids), len(actions)), dtype=np.uint32)
    for bit, mask in enumerate(rules.values()):
        forbidding |= mask.astype(np.uint32) << np.uint32(bit)
    eligible = forbidding == 0
    seen = contexts(profiles, personalised)
    chosen = policy.select(
        seen, actions, eligible=eligible, uniforms=assignment.uniforms(customer_ids, f"{draw}\x1f{versions.run_id}")
    )
    speaks = np.array([action.kind == "message" for action in actions])
    silent = ~(eligible & speaks).any(axis=1)
    held = assignment.holdout(customer_ids, share=holdout, salt=salt)
    return Decisions(
        versions=versions,
        decided_at=now,
        actions=tuple(actions),
        customer_ids=customer_ids,
        # Who could not have been written to tells nothing about an effect: suppressed comes before holdout.
        arms=np.where(silent, 2, np.where(held, 1, 0)).astype(np.int8),
        intended=chosen.indices,
        propensities=chosen.propensities,
        rules=tuple(rules),
        forbidding=forbidding,
        contexts=seen,
        personalised=personalised,
    )


def decision_id(run_id: str, customer_id: str) -> str:
    """Deterministic: one decision a run and customer."""
    return hashlib.sha256(f"{run_id}\x1f{customer_id}".encode()).hexdigest()[:32]


def within_budget(decisions: Decisions, *, most: int) -> Decisions:
    """Keep at most `most` messages, whose customers are drawn by hash; the others become suppressed, by rule "budget".

    Drawn blindly and not by promise, so that propensities stay true among those who are kept.
    """
    sends = np.array(
        [
            arm == 0 and index >= 0 and decisions.actions[index].kind == "message"
            for arm, index in zip(decisions.arms, decisions.intended, strict=True)
        ]
    )
    if sends.sum() <= most:
        return decisions
    order = assignment.uniforms(decisions.customer_ids, f"budget\x1f{decisions.versions.run_id}")
    rank = np.full(len(decisions), -1)
    rank[sends] = np.argsort(np.argsort(order[sends]))
    over = sends & (rank >= most)
    rules = (*decisions.rules, "budget")
    speaks = np.array([action.kind == "message" for action in decisions.actions])
    forbidding = decisions.forbidding | ((over[:, None] & speaks).astype(np.uint32) << np.uint32(len(rules) - 1))
    fields: dict[str, Any] = {
        name: getattr(decisions, name)
        for name in (
            "versions",
            "decided_at",
            "actions",
            "customer_ids",
            "intended",
            "propensities",
            "contexts",
            "personalised",
        )
    }
    arms = np.where(over, 2, decisions.arms).astype(np.int8)
    return Decisions(**fields, arms=arms, rules=rules, forbidding=forbidding)
