"""The log of decisions: what is written is read back whole, by run, and an amendment stands in the place of what it amends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.decide import Decisions, Versions, decide, decision_id
from zhanggui.decisioning.eligibility import Reach
from zhanggui.decisioning.log import SCHEMA, DecisionLog, from_arrow, to_arrow
from zhanggui.errors import NotFoundError
from zhanggui.policies import UniformPolicy

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
EMAIL = Action(offer_id="o", category="Tea", channel="email", send_at=NOW + timedelta(hours=7))
SMS = Action(offer_id="other", product_id="p", channel="sms")
Decider = Callable[..., Decisions]


@pytest.fixture
def decided(profiles: Callable[..., pa.Table], reach: Callable[..., Reach]) -> Decider:
    """Decisions for the customers named, the first of whom may be written to by SMS only, the last not at all."""

    def made(*names: str, run_id: str = "run", now: datetime = NOW, **more: Any) -> Decisions:
        n = len(names)
        last = [row == n - 1 for row in range(n)]
        first = [row == 0 for row in range(n)]
        return decide(
            profiles({name: {"orders": row} for row, name in enumerate(names)}),
            [NO_ACTION, EMAIL, SMS],
            versions=Versions(run_id=run_id, policy="uniform", policy_version="v1", snapshot_version="s1"),
            policy=UniformPolicy(),
            offers={name: Offer(offer_id=name, titles={"en": name}) for name in ("o", "other")},
            products={},
            reach={
                "email": reach(n, suppressed=[a or b for a, b in zip(first, last, strict=True)]),
                "sms": reach(n, consented=[not flag for flag in last]),
            },
            personalised=np.array([row != 1 for row in range(n)]),
            holdout=0.4,
            salt="s",
            now=now,
            **more,
        )

    return made


def _same(first: Decisions, second: Decisions) -> None:
    assert list(first) == list(second)
    assert first.versions == second.versions
    assert first.actions == second.actions
    assert first.rules == second.rules
    for name in ("arms", "intended", "propensities", "forbidding", "contexts", "personalised"):
        ours, theirs = getattr(first, name), getattr(second, name)
        assert ours.dtype == theirs.dtype, name
        assert ours.tolist() == theirs.tolist(), name


def test_what_is_written_is_read_back_whole(decided: Decider, tmp_path: Path) -> None:
    decisions = decided(*(f"c{number}" for number in range(30)))
    assert {decision.arm for decision in decisions} == {"treated", "holdout", "suppressed"}
    _same(from_arrow(to_arrow(decisions)), decisions)
    log = DecisionLog(tmp_path)
    log.write(decisions)
    (found,) = log.read("run")
    _same(found, decisions)
    assert found.decided_at == NOW


def test_a_decision_without_an_allowed_action_is_read_back_as_one(decided: Decider) -> None:
    decisions = decided("only")  # first and last: suppressed on e-mail, no consent for SMS
    assert decisions.intended.tolist() == [0]
    nothing = Decisions(**{**decisions.__dict__, "intended": np.array([-1])})
    _same(from_arrow(to_arrow(nothing)), Decisions(**{**decisions.__dict__, "intended": np.array([0])}))


def test_the_columns_say_what_was_done_what_was_intended_and_by_which_versions(decided: Decider) -> None:
    decisions = decided(*(f"c{number}" for number in range(30)))
    table = to_arrow(decisions)
    assert table.schema.remove_metadata() == SCHEMA
    for row, decision in zip(table.to_pylist(), decisions, strict=True):
        assert row == {
            "decision_id": decision_id("run", decision.customer_id),
            "run_id": "run",
            "customer_id": decision.customer_id,
            "decided_at": NOW,
            "arm": decision.arm,
            "action_id": decision.action.action_id,
            "intended_id": decision.intended.action_id,
            "offer_id": decision.intended.offer_id,
            "category": decision.intended.category,
            "propensity": decision.propensity,
            "policy": "uniform",
            "policy_version": "v1",
            "snapshot_version": "s1",
            "candidate_set_id": decisions.candidate_set_id,
            "personalised": decision.personalised,
            "context": list(decision.context),
            "forbidding": row["forbidding"],
        }
    assert [row["forbidding"] for row in table.to_pylist()] == decisions.forbidding.tolist()


def test_no_decisions_are_a_table_of_no_rows(decided: Decider) -> None:
    found = from_arrow(to_arrow(decided("ann"))[:0])
    assert (len(found), found.contexts.shape[0], found.forbidding.shape[0]) == (0, 0, 0)


def test_a_file_lies_by_day_and_is_named_by_run_and_batch(decided: Decider, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    path = log.write(decided("a"), batch=7)
    assert path == tmp_path / "decisions" / "2026-03-02" / "run-00007.parquet"
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    assert [file.name for file in path.parent.iterdir()] == ["run-00007.parquet"]
    assert log.write(decided("b")) == path.with_name("run-00000.parquet")
    assert [decision.customer_id for batch in log.read("run") for decision in batch] == ["b", "a"]


def test_a_repeated_batch_replaces_itself(decided: Decider, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.write(decided("a", "b"))
    log.write(decided("a", "c"))
    assert log.table("run")["customer_id"].to_pylist() == ["a", "c"]


def test_a_run_reads_its_own_decisions_only(decided: Decider, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.write(decided("a"))
    log.write(decided("b", run_id="run-2"))
    log.write(decided("c", run_id="another"))
    assert log.table("run")["customer_id"].to_pylist() == ["a"]
    assert log.table("run-2")["customer_id"].to_pylist() == ["b"]
    assert log.table("run").schema == SCHEMA


def test_a_run_that_has_decided_nothing_is_not_found(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    for read in (log.read, log.table):
        with pytest.raises(NotFoundError) as caught:
            read("run")
        assert str(caught.value) == f"run 'run' has logged no decision in {tmp_path}"


def test_an_amendment_stands_in_the_place_of_what_it_amends(decided: Decider, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.write(decided("a", "b", "c"), batch=0)
    log.write(decided("d", "e"), batch=1)
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*")}
    later = decided("b", "e", now=NOW + timedelta(days=1))
    path = log.amend(later)
    assert path.parent.name == "2026-03-03"
    assert path.name == f"run-amended-{decision_id('run', 'b')[:16]}.parquet"
    rows = {row["customer_id"]: row["decided_at"] for row in log.table("run").to_pylist()}
    assert rows == {name: NOW + timedelta(days=name in "be") for name in "abcde"}
    assert len(log.table("run")) == 5
    assert {file: file.read_bytes() for file in before} == before, "history is not rewritten"
    assert [len(batch) for batch in log.read("run")] == [2, 1, 2]


def test_a_batch_that_was_amended_whole_is_left_out(decided: Decider, tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.write(decided("a"), batch=0)
    log.amend(decided("a", now=NOW + timedelta(days=1)))
    assert [len(batch) for batch in log.read("run")] == [1]
