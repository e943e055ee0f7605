"""The commands of docs/howto/classic-recipe.md, run as they stand there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for extra, package in (("train", "transformers"), ("local", "xllamacpp"), ("zh", "jieba")):
    pytest.importorskip(package, reason=f"the extra `{extra}` is not installed")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def commands(page: str) -> list[str]:
    """Every line of its shell blocks that calls zhanggui."""
    text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("zhanggui ")]


def test_the_classic_recipe_runs_as_it_is_written(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "data" / "recipe", tmp_path / "data" / "recipe")
    asked = commands("classic-recipe.md")
    assert [" ".join(line.split()[1:3]) for line in asked] == [
        "corpus build", "train pretrain", "train finetune", "model generate", "evaluate copy",
    ]  # fmt: skip
    for line in asked:
        command = line.replace("zhanggui", f"{sys.executable} -m zhanggui", 1)
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=300, env={**os.environ, "COLUMNS": "200"}
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    corpus = tmp_path / "recipe" / "corpus"
    parts = {part: [json.loads(row) for row in (corpus / f"{part}.jsonl").read_text("utf-8").splitlines()] for part in ("train", "validation", "test")}  # fmt: skip
    groups = {part: {row["group"] for row in rows} for part, rows in parts.items()}
    assert not groups["train"] & groups["test"]
    said = [json.loads(row) for row in (tmp_path / "recipe" / "said.jsonl").read_text("utf-8").splitlines()]
    assert [row["reference"] for row in said] == [row["text"] for row in parts["test"]]
    assert sum(bool(row["prediction"].strip()) for row in said) > 0.9 * len(said)
    curve = json.loads(next((tmp_path / "recipe/artifacts/recipe").glob("*/curve.json")).read_text("utf-8"))
    fallen = [one["loss"] for one in curve if "loss" in one]
    assert fallen[-1] < fallen[0]
    for figure in ("BLEU-4", "ROUGE-L", "distinct-2", "perplexity"):
        assert figure.lower() in done.stdout.lower()
    assert (tmp_path / "recipe" / "page.html").stat().st_size > 5_000
