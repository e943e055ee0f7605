"""`zhanggui evaluate conversation`: policies beside each other in the shop's own simulated dialogues."""

import json
from pathlib import Path

from typer.testing import CliRunner

from kept_policy import kept
from talking_shop import talking_shop
from zhanggui.cli.main import app


def test_a_learned_policy_stands_beside_the_rules_at_three_shares_of_wrong_answers(tmp_path: Path) -> None:
    kept(tmp_path / "shop", "v1", 50, 0, 0, 0, 0, 0)
    with talking_shop(tmp_path / "shop"):
        pass
    command = ["evaluate", "conversation", "-C", str(tmp_path / "shop"), "--dialogues", "40", "--seeds", "2"]
    asked = CliRunner().invoke(app, [*command, "--policy", "v1", "--json"])
    assert asked.exit_code == 0, asked.output
    rows = json.loads(asked.stdout)
    assert {(row["policy"], row["wrong"]) for row in rows} == {
        (policy, wrong) for policy in ("belief", "max_entropy", "random", "learned") for wrong in (0.0, 0.1, 0.25)
    }
    assert all(0 < row["mean"]["success"] <= 1 and row["half"]["turns"] >= 0 for row in rows)
    spoken = CliRunner().invoke(app, command)
    assert "learned" not in spoken.output, "the settings name no version"
    assert "CNY" in spoken.output
