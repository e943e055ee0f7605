"""Decisions: arms, what is intended and done, reasons, propensities, and the budget, for whoever is decided for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from zhanggui.decisioning import assignment
from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.decide import Decisions, Versions, decide, decision_id, within_budget
from zhanggui.decisioning.eligibility import Reach
from zhanggui.policies import UniformPolicy

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
VERSIONS = Versions(run_id="run-1", policy="uniform", policy_version="v1", snapshot_version="s1")
EMAIL, SMS = Action(offer_id="o", channel="email"), Action(offer_id="o", channel="sms")
OFFERS = {"o": Offer(offer_id="o", titles={"en": "Ten off"})}
Profiles = Callable[..., pa.Table]
Reaches = Callable[..., Reach]


def _decide(table: pa.Table, channel: Reach, *actions: Action, **more: Any) -> Decisions:
    arguments: dict[str, Any] = {
        "versions": VERSIONS,
        "policy": UniformPolicy(),
        "offers": OFFERS,
        "products": {},
        "reach": {"email": channel, "sms": channel},
        "personalised": np.ones(table.num_rows, dtype=np.bool_),
        "holdout": 0.0,
        "salt": "campaign",
        "now": NOW,
    }
    return decide(table, actions or (EMAIL,), **(arguments | more))


def _many(profiles: Profiles, n: int = 400) -> pa.Table:
    return profiles({f"customer-{number:03}": {} for number in range(n)})


def test_a_decision_says_what_was_chosen_among_what_and_by_which_versions(profiles: Profiles, reach: Reaches) -> None:
    found = _decide(profiles({"ann": {"orders": 2}}), reach(1), NO_ACTION, EMAIL, SMS)
    decision = found[0]
    assert decision.decision_id == decision_id("run-1", "ann")
    assert (decision.run_id, decision.customer_id, decision.decided_at) == ("run-1", "ann", NOW)
    assert (decision.policy, decision.policy_version, decision.snapshot_version) == ("uniform", "v1", "s1")
    assert decision.arm == "treated"
    assert decision.action == decision.intended == (NO_ACTION, EMAIL, SMS)[found.intended[0]]
    assert decision.propensity == pytest.approx(1 / 3)
    assert decision.candidates == tuple(action.action_id for action in (NO_ACTION, EMAIL, SMS))
    assert decision.candidate_set_id == found.candidate_set_id
    assert decision.reasons == {}
    assert decision.personalised is True
    assert decision.context == tuple(found.contexts[0].tolist())
    assert decision.context[0] == 1.0


def test_a_decision_id_is_that_of_earlier_versions() -> None:
    # Rewards and unsubscribe links of earlier runs name it: it must never change.
    assert decision_id("run-1", "ann") == "db5a313d455f963919d29c7feb0be27c"
    assert decision_id("run-1", "bob") != decision_id("run-1", "ann")
    assert decision_id("run-2", "ann") != decision_id("run-1", "ann")


def test_the_set_of_candidates_is_named_by_its_actions(profiles: Profiles, reach: Reaches) -> None:
    table = profiles({"ann": {}})
    one, two = _decide(table, reach(1), EMAIL), _decide(table, reach(1), EMAIL, SMS)
    assert one.candidate_set_id != two.candidate_set_id
    assert one.candidate_set_id == _decide(profiles({"bob": {}}), reach(1), EMAIL).candidate_set_id
    assert len(one.candidate_set_id) == 16


def test_who_may_get_no_message_is_suppressed_before_she_is_held_out(profiles: Profiles, reach: Reaches) -> None:
    channel = reach(2, consented=[True, False])
    found = _decide(profiles({"ann": {}, "bob": {}}), channel, NO_ACTION, EMAIL, holdout=1.0)
    assert [decision.arm for decision in found] == ["holdout", "suppressed"]
    assert [decision.action for decision in found] == [NO_ACTION, NO_ACTION]


def test_a_holdout_keeps_what_was_intended_and_does_nothing(profiles: Profiles, reach: Reaches) -> None:
    (decision,) = _decide(profiles({"ann": {}}), reach(1), EMAIL, holdout=1.0)
    assert (decision.arm, decision.action, decision.intended) == ("holdout", NO_ACTION, EMAIL)


def test_who_is_held_out_follows_from_the_salt_and_from_nothing_else(profiles: Profiles, reach: Reaches) -> None:
    table = _many(profiles)
    found = _decide(table, reach(400), holdout=0.25)
    held = assignment.holdout(found.customer_ids, share=0.25, salt="campaign")
    assert [decision.arm == "holdout" for decision in found] == held.tolist()
    assert 0 < held.sum() < 400


def test_reasons_name_each_rule_against_each_action(profiles: Profiles, reach: Reaches) -> None:
    channel = reach(1, consented=[False], capped={"cap:all:2/7d": [True]})
    clear = reach(1)
    found = _decide(profiles({"ann": {}}), channel, NO_ACTION, EMAIL, SMS, reach={"email": channel, "sms": clear})
    assert found[0].reasons == {EMAIL.action_id: ("no_consent", "cap:all:2/7d")}
    assert found[0].candidates == (NO_ACTION.action_id, SMS.action_id)
    assert found[0].intended in (NO_ACTION, SMS)
    assert found.rules == ("no_consent", "cap:all:2/7d")
    assert found.forbidding.tolist() == [[0, 0b11, 0]]


def test_where_nothing_may_be_done_nothing_is_intended(profiles: Profiles, reach: Reaches) -> None:
    (decision,) = _decide(profiles({"ann": {}}), reach(1, consented=[False]), EMAIL)
    assert (decision.arm, decision.intended, decision.propensity) == ("suppressed", NO_ACTION, 1.0)


def test_the_same_run_draws_the_same_and_another_draws_otherwise(profiles: Profiles, reach: Reaches) -> None:
    table, channel = _many(profiles), reach(400)
    first = _decide(table, channel, EMAIL, SMS).intended
    assert first.tolist() == _decide(table, channel, EMAIL, SMS).intended.tolist()
    uniforms = assignment.uniforms(table["customer_id"].to_pylist(), "draw\x1frun-1")
    assert first.tolist() == (uniforms >= 0.5).astype(int).tolist()
    again = assignment.uniforms(table["customer_id"].to_pylist(), "again\x1frun-1")
    assert _decide(table, channel, EMAIL, SMS, draw="again").intended.tolist() == (again >= 0.5).astype(int).tolist()


def test_who_refused_personalisation_is_told_apart_and_seen_as_anybody(profiles: Profiles, reach: Reaches) -> None:
    table = profiles({"ann": {"orders": 5}, "bob": {"orders": 5}})
    found = _decide(table, reach(2), personalised=np.array([True, False]))
    assert [decision.personalised for decision in found] == [True, False]
    assert found[0].context[1] > 0
    assert set(found[1].context[1:]) == {0.0}


def test_an_offer_that_has_ended_or_is_for_others_is_not_decided(profiles: Profiles, reach: Reaches) -> None:
    table, nobody = profiles({"ann": {"orders": 1}}), np.array([False])
    ended = Offer(offer_id="o", titles={"en": "Ten off"}, valid_until=NOW)
    chosen = Offer(offer_id="o", titles={"en": "Ten off"}, eligibility="orders >= 1")
    assert _decide(table, reach(1), offers={"o": ended}).rules == ("offer_not_valid",)
    assert _decide(table, reach(1), offers={"o": chosen}).rules == ()
    assert _decide(table, reach(1), offers={"o": chosen}, personalised=nobody).rules == ("personalisation_refused",)


def test_the_policy_sees_the_customer_and_the_actions(profiles: Profiles, reach: Reaches) -> None:
    seen: list[Any] = []

    class Watched(UniformPolicy[Action]):
        def select(self, contexts: Any, actions: Any, **more: Any) -> Any:
            seen.extend([contexts.tolist(), tuple(actions)])
            return super().select(contexts, actions, **more)

    found = _decide(profiles({"ann": {"orders": 5}}), reach(1), EMAIL, SMS, policy=Watched())
    assert seen == [found.contexts.tolist(), (EMAIL, SMS)]


def test_decisions_read_as_a_sequence(profiles: Profiles, reach: Reaches) -> None:
    found = _decide(profiles({name: {} for name in "abc"}), reach(3))
    assert len(found) == 3
    assert [decision.customer_id for decision in found] == ["a", "b", "c"]
    assert [decision.customer_id for decision in found[1:]] == ["b", "c"]
    assert found[-1].customer_id == "c"


# The budget.


def _sends(decisions: Decisions) -> set[str]:
    return {decision.customer_id for decision in decisions if decision.action.kind == "message"}


@pytest.mark.parametrize("most", [0, 1, 5, 9, 10, 11])
def test_no_more_messages_are_decided_than_the_budget_allows(most: int, profiles: Profiles, reach: Reaches) -> None:
    found = within_budget(_decide(_many(profiles, 10), reach(10)), most=most)
    assert len(_sends(found)) == min(most, 10)
    assert sum("budget" in decision.reasons.get(EMAIL.action_id, ()) for decision in found) == max(0, 10 - most)


def test_a_budget_that_is_just_enough_changes_nothing(profiles: Profiles, reach: Reaches) -> None:
    found = _decide(_many(profiles, 10), reach(10))
    assert within_budget(found, most=10) is found
    assert within_budget(found, most=9) is not found


def test_who_loses_by_the_budget_is_drawn_by_hash_and_says_so(profiles: Profiles, reach: Reaches) -> None:
    table = _many(profiles, 100)
    decided = _decide(table, reach(100), NO_ACTION, EMAIL, SMS, holdout=0.2)
    found = within_budget(decided, most=30)
    sends = sorted(_sends(decided), key=lambda name: assignment.uniforms([name], "budget\x1frun-1")[0])
    assert _sends(found) == set(sends[:30])
    lost = [decision for decision in found if decision.customer_id in sends[30:]]
    assert lost
    for decision in lost:
        assert (decision.arm, decision.action) == ("suppressed", NO_ACTION)
        assert decision.reasons == {EMAIL.action_id: ("budget",), SMS.action_id: ("budget",)}
        assert decision.candidates == (NO_ACTION.action_id,)


def test_the_budget_leaves_everything_else_as_it_was(profiles: Profiles, reach: Reaches) -> None:
    table = _many(profiles, 100)
    decided = _decide(table, reach(100, suppressed=[row < 10 for row in range(100)]), NO_ACTION, EMAIL, holdout=0.2)
    found = within_budget(decided, most=5)
    assert found.rules == ("suppressed", "budget")
    lost = [row for row, decision in enumerate(found) if "budget" in decision.reasons.get(EMAIL.action_id, ())]
    assert found.forbidding[lost].tolist() == [[0, 0b10]] * len(lost)
    silent = {decision.customer_id for decision in decided} - _sends(decided)
    for before, after in zip(decided, found, strict=True):
        assert (after.intended, after.propensity, after.context) == (before.intended, before.propensity, before.context)
        assert (after.decided_at, after.personalised) == (before.decided_at, before.personalised)
        if before.customer_id in silent or before.customer_id in _sends(found):
            assert (after.arm, after.reasons) == (before.arm, before.reasons)
    assert found.versions is decided.versions
    assert found.actions == decided.actions


def test_who_is_silent_anyway_uses_up_no_budget(profiles: Profiles, reach: Reaches) -> None:
    table = _many(profiles, 40)
    decided = _decide(table, reach(40), holdout=0.5)
    sends = len(_sends(decided))
    assert 0 < sends < 40
    assert within_budget(decided, most=sends) is decided
