import json
from pathlib import Path

from typer.testing import CliRunner

from zhanggui.cli.main import app


def test_a_text_is_understood_without_a_shop(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["understand", "not blue, by tomorrow", "--today", "2026-11-30", "-C", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert list(said["intents"]) == ["refine"]
    assert said["slots"] == [
        {"name": "colour", "value": "blue", "start": 4, "end": 8, "negated": True},
        {"name": "date", "value": "2026-12-01", "start": 13, "end": 21},
    ]


def test_lines_of_a_file_are_understood_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("hello\n\n有绿茶吗\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["understand", "--file", str(tmp_path / "said.txt"), "-C", str(tmp_path)])
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["language"], *one["intents"]) for one in said] == [("en", "greet"), ("zh", "search")]


def test_a_labelled_file_is_measured_by_language(tmp_path: Path) -> None:
    rows = [
        {"text": "hello", "intents": ["greet"]},
        {"text": "你好", "intents": ["thanks"]},
    ]
    (tmp_path / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = CliRunner().invoke(app, ["understand", "--file", str(tmp_path / "said.jsonl"), "-C", str(tmp_path)])
    assert "en: intent F1 1.000" in done.stderr
    assert "zh: intent F1 0.000" in done.stderr


def test_a_text_and_a_file_are_not_both_taken(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["understand", "hello", "--file", str(tmp_path / "said.txt")])
    assert done.exit_code == 2
