import json
from pathlib import Path

import pytest

from zhanggui.content.brief import Brief
from zhanggui.content.select_variant import examine

FILES = sorted((Path(__file__).parents[3] / "data" / "copywriter").glob("*/*.jsonl"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_copy_that_a_model_learns_from_passes_the_checks(path: Path) -> None:
    refused = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        facts = tuple((name, str(value)) for name, value in row["facts"].items())
        brief = Brief(
            language=row["language"], channel=row["channel"], tone=row["tone"], stage=row["stage"], about=row["about"], product=facts, offer_title=row["offer"]
        )  # fmt: skip
        found = examine(row["copy"], brief, exemptions=())
        reasons = [one for one in found.reasons if one != "copied_example"]
        if reasons or found.text != row["copy"]:
            refused.append(f"line {number}: {reasons or 'more than two sentences'}")
    assert refused == []


def test_no_copy_is_there_twice() -> None:
    copies = [json.loads(line)["copy"] for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(set(copies)) == len(copies) > 900
