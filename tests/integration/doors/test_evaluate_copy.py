"""`zhanggui evaluate copy` as an operator runs it: figures, page, rejects, what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.errors import EvaluationError, NotFoundError

ASKED = [
    {"about": "Sage Mug", "facts": {"colour": "sage", "size": "350 ml"}, "copy": "A sage mug of 350 ml."},
    {"about": "Linen Shirt", "facts": {"colour": "navy"}, "copy": "Linen in navy."},
    {"about": "Hat", "facts": {"colour": "red"}, "copy": "A red hat."},
]
WROTE = [{"text": "A sage mug."}, {"text": "Navy linen <b>now</b>."}, {"text": 5}]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", *arguments], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name, rows in (("asked", ASKED), ("wrote", WROTE)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(tmp_path / "asked.jsonl"), str(tmp_path / "wrote.jsonl")


def test_figures_page_and_rejects_come_of_one_command(files: tuple[str, str], tmp_path: Path) -> None:
    asked, wrote = files
    page = tmp_path / "new" / "page.html"
    done = run("copy", wrote, "--reference", asked, "--out", str(page), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["rows"], found["rejected"]) == (2, 1)
    # 1 of 2 values in the first text, 1 of 1 in the second.
    assert found["figures"]["wrote"]["attribute_coverage"]["value"] == pytest.approx(0.75)
    assert "&lt;b&gt;now" in page.read_text(encoding="utf-8")
    (rejected,) = map(json.loads, (tmp_path / "new" / "page.rejects.jsonl").read_text().splitlines())
    assert (rejected["line"], rejected["field"], rejected["problem"]) == (3, "text", "it is not a text")
    assert "page.rejects.jsonl" in done.stderr


@pytest.mark.parametrize(("language", "words"), [("en", ["2 rows", "attributes covered"]), ("zh", ["2 条", "属性覆盖率", "参考文案"])])  # fmt: skip
def test_the_table_speaks_both_languages(
    files: tuple[str, str], language: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("copy", files[1], files[0], "--reference", files[0], "--language", language)
    assert done.exit_code == 0, done.output
    assert all(word in done.stdout for word in words)
    assert (tmp_path / "evaluate-copy.rejects.jsonl").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none\.jsonl: it cannot be opened"):
        run("copy", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "page.html"))


def test_a_run_is_reported_by_its_bare_name_too(tmp_path: Path) -> None:
    Engine.create(tmp_path / "shop")
    for arguments in (("run", "no-such-run"), ("no-such-run",)):
        with pytest.raises(NotFoundError, match="no-such-run"):
            run(*arguments, "-C", str(tmp_path / "shop"))
    with pytest.raises(NotFoundError, match="no-such-run"):
        run("-C", str(tmp_path / "shop"), "no-such-run")
