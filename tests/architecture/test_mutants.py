"""`make mutants` measures what it says: every mutant of the rooms that keep the promises counts, and none is let off."""

import importlib.util
import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "zhanggui"
ROOMS = ("touches", "decisioning", "delivery", "attribution")
FILES = ("profiles/consent.py", "profiles/identity.py")

_spec = importlib.util.spec_from_file_location("mutants", ROOT / "tests" / "mutants.py")
assert _spec is not None
assert _spec.loader is not None
mutants = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mutants)


def _settings() -> dict[str, list[str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]


def test_what_ran_out_of_time_or_met_no_test_has_survived(tmp_path: Path) -> None:
    room = tmp_path / "touches"
    room.mkdir()
    ends = {
        "killed": 1,
        "survived": 0,
        "out of time": 36,
        "stopped": -24,
        "no tests": 33,
        "crashed": -11,
        "untried": None,
    }
    (room / "permit.py.meta").write_text(json.dumps({"exit_code_by_key": ends}))
    (room / "flows.py.meta").write_text(json.dumps({"exit_code_by_key": {"killed": 1}}))
    codes = mutants.exit_codes(tmp_path)
    lines, share = mutants.report(codes)
    assert share == pytest.approx(2 / 8)
    assert [line.split()[:4] for line in lines] == [
        ["touches/", "2", "of", "8"],
        ["touches/flows.py", "1", "of", "1"],
        ["touches/permit.py", "1", "of", "7"],
        ["all", "2", "of", "8"],
    ]
    assert list(mutants.exit_codes(tmp_path, ["zhanggui.touches.flows.*"])) == ["touches/flows.py"]


def test_the_bar_is_as_high_as_was_promised() -> None:
    assert mutants.LEAST == 0.85


def test_every_file_of_the_rooms_is_mutated() -> None:
    chosen = {path for pattern in _settings()["only_mutate"] for path in ROOT.glob(pattern)}
    wanted = {path for room in ROOMS for path in (SOURCE / room).rglob("*.py")} | {SOURCE / name for name in FILES}
    assert wanted <= chosen


def test_only_unit_tests_are_asked() -> None:
    assert all(path.startswith("tests/unit/") for path in _settings()["pytest_add_cli_args_test_selection"])


def test_no_line_is_spared() -> None:
    assert not {"do_not_mutate", "do_not_mutate_patterns", "mutate_only_covered_lines"} & set(_settings())
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "no mutate" not in text, f"{path} lets a line off"
        assert "MUTANT_UNDER_TEST" not in text, f"{path} knows that it is tried"
